import { counted, listed } from '../api/words.ts';
import { formatPrefix } from '../net/prefix.ts';
import type { Layout } from './layout.ts';
import { networksOf } from './nics.ts';
import type { PlanInput, PlanProblem } from './types.ts';

/** Networks or NICs that a message names at the most. */
const named = 8;

/** Of a network on which no host has a block: what it looks for, what there is instead, and what to do. */
export function noHosts({ masterNets }: Layout, { network: { name }, hosts }: PlanInput): PlanProblem {
  const reason = 'NoHosts';
  if (hosts.length === 0) {
    const message = `network "${name}": no host has told its NICs yet: see that the daemons run on the nodes`;
    return { reason, message };
  }
  if (masterNets.length === 0) {
    const message = `network "${name}": none of ${counted(hosts.length, 'host')} has a NIC with an address besides that of its default route: give the NICs addresses, or the daemons nics.include for links without a device`;
    return { reason, message };
  }
  const nets = hosts.flatMap(({ nics }) => nics.flatMap((nic) => networksOf(nic).map(formatPrefix)));
  const wanted = masterNets.map(formatPrefix).join(', ');
  const message = `network "${name}": none of ${counted(hosts.length, 'host')} has a NIC on ${wanted} (masterNets). Their NICs are on ${someOf(nets)}: list such networks, or give the NICs addresses`;
  return { reason, message };
}

/** Of a network that configures NICs by their names (multi-config): none of the names is one of any host's NICs. */
export function noNamedNics({ network: { name, ipam }, hosts }: PlanInput): PlanProblem | undefined {
  if (ipam.kind !== 'per-master') return undefined;
  const nics = hosts.flatMap((host) => host.nics.map((nic) => nic.name));
  const wanted = Object.keys(ipam.configs);
  if (nics.length === 0 || nics.some((nic) => wanted.includes(nic))) return undefined;
  const message = `network "${name}": none of ${counted(hosts.length, 'host')} has a NIC named ${wanted.join(' or ')} (args of multi-config), so that no pod can get one. Their NICs are ${someOf(nics)}: use these names`;
  return { reason: 'NoHosts', message };
}

function someOf(texts: readonly string[]): string {
  return listed([...new Set(texts)], named) || 'no network';
}
