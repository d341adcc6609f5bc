/**
 * The words to put before a command so that it runs in a host's namespaces, in its `/`. Root and folder are entered too:
 * this machine's own root may be a chroot, which entering a mount namespace leaves.
 */
export function enterHost(pid: number): string[] {
  return ['nsenter', '--target', String(pid), '--net', '--mount', '--root', '--wd', '--'];
}
