import { CniError, code } from '../api/cni-error.ts';
import { isIdentifier } from './environment.ts';
import { FieldReader, listProblems } from './fields.ts';
import type { IpamCaller, NetConf } from './types.ts';

/** The shim under this name is called by a main plugin, within that plugin's own ADD and DEL. */
export const ipamProgram = 'multi-nic-ipam';

const mark = 'ipam:';

/**
 * What addresses are recorded under that another plugin gets for its interface: no interface has such a name, so that it cannot be an
 * attachment of ours, and two configurations may each have their `net1`.
 */
export function ipamIfname(config: string, ifname: string): string {
  return `${mark}${config}:${ifname}`;
}

/** Whether a record's key is of addresses alone. */
export function isIpamKey({ ifname }: { readonly ifname: string }): boolean {
  return ifname.startsWith(mark);
}

/**
 * Who asks, from the calling plugin's own configuration: the network is `ipam.network`, else of the configuration's name; the NIC is
 * `ipam.master`, else the plugin's `master`.
 * @param lenient for DEL: what is damaged is passed over
 * @throws CniError 7
 */
export function readIpamCaller({ name, type, master, ipam }: NetConf, lenient: boolean): IpamCaller {
  const reader = new FieldReader();
  const network = reader.text(ipam['network'], 'ipam.network') ?? name;
  if (!isIdentifier(network)) reader.wrong('ipam.network', 'must be the name of a MultiNicNetwork');
  const nic = reader.text(ipam['master'], 'ipam.master') ?? master;
  if (type === ipamProgram) {
    reader.wrong('type', `${ipamProgram} makes no interfaces: name it in ipam.type, or use the plugin multi-nic`);
  }
  if (reader.problems.length > 0 && !lenient) {
    throw new CniError(code.invalidConfig, `network configuration "${name}": ${listProblems(reader.problems)}`);
  }
  return { network: isIdentifier(network) ? network : name, ...(nic === undefined ? {} : { master: nic }) };
}
