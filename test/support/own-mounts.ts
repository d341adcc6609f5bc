/** Words before a command, which then sees `mounts` (shell) that nobody else does. */
export function inOwnMounts(mounts: string): readonly string[] {
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${mounts} && exec "$0" "$@"`];
}
