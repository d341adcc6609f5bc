import { createKernel } from '../../../src/kernel/ip.ts';
import type { SavedLink } from '../../../src/kernel/types.ts';
import { type NetworkSpec, plansText, type World } from './world.ts';

/** A network that lends its NICs, with two NICs' blocks. */
export const lending: NetworkSpec = {
  network: 'lent',
  delegation: { pluginType: 'host-device', binding: 'device' },
  blocks: { eth1: ['10.6.1.0/28', 'fd00:6:1::/120'], eth2: ['10.6.2.0/28', 'fd00:6:2::/120'] },
};
/** The same, and the NICs' own addresses go with them. */
export const takingAlong: NetworkSpec = {
  ...lending,
  network: 'along',
  ipam: { kind: 'host-device' },
  blocks: { eth1: [], eth2: [] },
};
export const lendingPlans = plansText([
  lending,
  takingAlong,
  { network: 'red', blocks: { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] } },
]);

/** Gives NIC eth1 of a host all that is lost on the way to a pod, and eth2 an address. */
export function dress(world: World): void {
  const ip = (...args: string[]): string => world.exec(world.host, 'ip', ...args);
  ip('link', 'set', 'dev', 'eth1', 'mtu', '1400', 'alias', 'rail one');
  ip('link', 'property', 'add', 'dev', 'eth1', 'altname', 'enp3s0');
  ip('addr', 'add', '10.1.1.2/24', 'brd', '+', 'dev', 'eth1', 'label', 'eth1:a');
  ip('addr', 'add', '10.1.1.3/24', 'dev', 'eth1');
  ip('addr', 'add', '10.9.9.1', 'peer', '10.9.9.2/32', 'dev', 'eth1', 'scope', 'link');
  ip('addr', 'add', '10.1.7.2/24', 'dev', 'eth1', 'noprefixroute', 'valid_lft', '3600', 'preferred_lft', '1800');
  ip('addr', 'add', 'fd00:1::2/64', 'dev', 'eth1', 'nodad');
  ip('route', 'add', '10.50.0.0/16', 'via', '10.1.1.1', 'dev', 'eth1', 'metric', '7', 'mtu', '1300');
  ip('route', 'add', '10.51.0.0/16', 'via', '172.16.0.1', 'dev', 'eth1', 'onlink', 'table', '88', 'proto', '5');
  ip('route', 'add', '10.52.0.0/16', 'dev', 'eth1', 'src', '10.1.1.3');
  ip('-6', 'route', 'add', 'fd00:89::/64', 'via', 'fd00:1::1', 'dev', 'eth1', 'metric', '5');
  ip('addr', 'add', '10.1.2.2/24', 'dev', 'eth2');
}

/**
 * How a NIC of the host is, so that it can be compared; undefined when it is not there. What does not count: its index, how much is left
 * of a lifetime, the order of addresses, whether the link-local one may be used yet.
 */
export async function stateOf(world: World, nic: string): Promise<unknown> {
  const kernel = createKernel({ enter: ['nsenter', `--net=${world.host}`] });
  const saved = await kernel.save(nic);
  if (saved === undefined) return undefined;
  const { index: _index, ...rest } = saved;
  return {
    ...rest,
    addresses: comparable(saved.addresses),
    routes: saved.routes.map((words) => words.join(' ')).toSorted(),
  };
}

function comparable(addresses: SavedLink['addresses']): unknown[] {
  return addresses
    .map(({ validSeconds, preferredSeconds, ...entry }) => ({
      ...entry,
      ends: [validSeconds, preferredSeconds].map((seconds) => seconds !== undefined),
    }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
