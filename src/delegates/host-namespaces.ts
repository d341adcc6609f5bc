import type { DelegatesOptions } from './exec.ts';

/**
 * Runs delegates where the host's own programs run, for a daemon in a container: they find the binaries that CNI_PATH means, and keep
 * their books (host-local's /var/lib/cni, the socket of dhcp, whereabouts' kubeconfig) where every other runtime's do.
 * @param pid a process of the host; 1 in a container that shares the host's process ids
 */
export function hostNamespaces(pid: number): Required<Pick<DelegatesOptions, 'enter' | 'root'>> {
  // Its root too: entering a mount namespace alone keeps the folder that is root in ours.
  return {
    enter: ['nsenter', '--target', String(pid), '--mount', '--net', '--root', '--wd', '--'],
    root: `/proc/${pid}/root`,
  };
}
