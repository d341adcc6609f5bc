import { describe, expect, test } from 'vitest';
import type { CniResult } from '../../../src/cni/types.ts';
import { familiesOf, missingRoutes } from '../../../src/daemon/attach/look/present-routes.ts';
import type { Route } from '../../../src/kernel/types.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const result: CniResult = {
  interfaces: [
    { name: 'cni0' },
    { name: 'net1', sandbox: '/run/netns/a' },
    { name: 'net1-1', sandbox: '/run/netns/a' },
  ],
  ips: [
    { address: '10.0.0.7/24', interface: 1 },
    { address: 'fd00::7/64', interface: 2 },
    { address: '10.3.0.1/32', interface: 2 },
    { address: '10.4.0.1/24', interface: 0 },
    { address: '10.5.0.1/24' },
  ],
  routes: [{ dst: '10.9.0.0/16', gw: '10.0.0.1' }],
  dns: {},
};

function route(dst: string, more: Partial<Route> = {}): Route {
  const prefix = parsePrefix(dst);
  const common = { family: prefix.family, table: 254, protocol: 2, metric: 0, scope: 'link', type: 'unicast' } as const;
  return { ...common, dst: prefix, ...more };
}

const whole = [
  route('10.0.0.0/24', { dev: 'net1' }),
  route('fd00::/64', { dev: 'net1-1', metric: 256 }),
  route('10.9.0.0/16', { dev: 'net1', via: parseAddress('10.0.0.1') }),
];

describe('missingRoutes', () => {
  test.each<[string, readonly Route[], readonly string[]]>([
    ['all there', whole, []],
    [
      'more, and one moved to another table',
      [...whole.slice(1), route('10.0.0.0/24', { dev: 'net1', table: 100 })],
      [],
    ],
    ['none', [], ['10.9.0.0/16', '10.0.0.0/24 on interface net1', 'fd00::/64 on interface net1-1']],
    [
      'by another interface',
      [...whole.slice(1), route('10.0.0.0/24', { dev: 'eth0' })],
      ['10.0.0.0/24 on interface net1'],
    ],
    [
      'by another gateway',
      [...whole.slice(0, 2), route('10.9.0.0/16', { via: parseAddress('10.0.0.2') })],
      ['10.9.0.0/16'],
    ],
  ])('%s', (_name, routes, missing) => {
    expect(missingRoutes(result, routes)).toEqual(missing.map((dst) => `route to ${dst} is missing`));
  });

  test('looks in the families that are there', () => {
    expect(familiesOf(result)).toEqual([4, 6]);
    expect(familiesOf({ ...result, ips: result.ips.slice(0, 1) })).toEqual([4]);
  });
});
