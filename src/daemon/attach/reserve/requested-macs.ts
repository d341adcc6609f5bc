import { CniError, code } from '../../../api/cni-error.ts';
import { plugins } from '../../../api/delegations.ts';
import type { HostPlan } from '../../../api/host.ts';
import type { ContainerCall } from '../../../cni/types.ts';

/**
 * The MACs that the pod's interfaces shall have, by position; empty texts and missing ones stay the kernel's.
 * @param names of the interfaces
 * @throws CniError 102 where the plugin cannot give an interface another MAC, or more are asked for than there are interfaces
 */
export function requireMacs(
  { network, pluginType }: Pick<HostPlan, 'network' | 'pluginType'>,
  { conf }: ContainerCall,
  names: readonly string[],
): readonly string[] {
  const macs = conf.request.macs ?? [];
  const wanted = macs.filter((mac) => mac !== '').join(', ');
  if (wanted === '') return [];
  if (plugins.get(pluginType)?.mac === undefined) {
    throw new CniError(
      code.unsatisfiable,
      `network ${network}: the pod asks for MAC ${wanted}, but ${pluginType} gives no interface another MAC than it has: leave mac out, or use a network with plugin type macvlan`,
    );
  }
  if (macs.length <= names.length) return macs;
  throw new CniError(
    code.unsatisfiable,
    `network ${network}: the pod asks for MACs of ${macs.length} interfaces (${wanted}), but gets ${names.length} (${names.join(', ')}): ask for as many at most`,
  );
}
