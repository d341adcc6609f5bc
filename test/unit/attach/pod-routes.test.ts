import { describe, expect, test } from 'vitest';
import type { HostPlan } from '../../../src/api/host.ts';
import { planPodRoutes, readPodRoutes } from '../../../src/daemon/attach/make/pod-routes.ts';
import { decodePlans, encodePlans } from '../../../src/daemon/plan/codec.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { planOf } from '../../support/attach/world.ts';

const l2 = planOf({
  network: 'net',
  blocks: { eth1: ['10.0.0.64/28', 'fd00:0:0:1::100/120'], eth2: ['10.1.0.64/28', 'fd00:0:0:2::100/120'] },
});
const l3: HostPlan = {
  ...l2,
  pluginType: 'ipvlan',
  binding: 'master',
  ipam: { kind: 'pool' },
  mode: 'l3',
  routed: true,
  blocks: l2.blocks.map((block, at) => ({ ...block, netAddresses: [parsePrefix(`172.16.${at}.0/24`)] })),
};
const nics = [
  { nic: 'eth1', ifname: 'net1' },
  { nic: 'eth2', ifname: 'net1-1' },
];

function planned(plan: HostPlan, routes: unknown, among = nics) {
  const { commands, ...rest } = planPodRoutes(plan, readPodRoutes(plan, { ipam: { routes } }), among);
  return { commands: commands.map((words) => words.join(' ')), ...rest };
}

describe('layer 2', () => {
  test('a gateway is reached over the NIC on whose network it is', () => {
    expect(planned(l2, [{ dst: '10.20.0.0/16', gw: '10.1.0.254' }])).toEqual({
      commands: ['route add 10.20.0.0/16 via 10.1.0.254 dev net1-1'],
      routes: [{ dst: '10.20.0.0/16', gw: '10.1.0.254' }],
    });
  });

  test("the predecessor's vector: two gateways to one destination are one route over both", () => {
    const routes = ['10.0.0.254', '10.1.0.254'].map((gw) => ({ dst: '192.168.0.0/24', gw }));
    expect(planned(l2, routes)).toEqual({
      commands: ['route add 192.168.0.0/24 nexthop via 10.0.0.254 dev net1 nexthop via 10.1.0.254 dev net1-1'],
      routes,
    });
  });

  test('a pod without the NIC gets no route over it', () => {
    expect(planned(l2, [{ dst: '10.20.0.0/16', gw: '10.1.0.254' }], nics.slice(0, 1)).commands).toEqual([]);
  });

  test('IPv6, and host bits of the destination', () => {
    const { commands } = planned(l2, [{ dst: 'fd00:9::5/32', gw: 'fd00:0:0:1::1' }]);
    expect(commands).toEqual(['route add fd00:9::/32 via fd00:0:0:1::1 dev net1']);
  });

  test('a route said twice is made once', () => {
    const route = { dst: '10.20.0.0/16', gw: '10.0.0.254' };
    expect(planned(l2, [route, route])).toEqual(planned(l2, [route]));
  });
});

describe('layer 3', () => {
  test('the route is on the link: the host knows the gateway', () => {
    expect(planned(l3, [{ dst: '10.20.0.0/16', gw: '172.16.1.254' }])).toEqual({
      commands: ['route add 10.20.0.0/16 dev net1-1 scope link'],
      routes: [{ dst: '10.20.0.0/16' }],
    });
  });

  test("an address of the pods' network is no gateway there", () => {
    expect(() => planned(l3, [{ dst: '10.20.0.0/16', gw: '10.0.0.254' }])).toThrow(
      /10\.0\.0\.254 is on no NIC's network/,
    );
  });
});

test('without a gateway: on the link of each NIC that has the family', () => {
  expect(planned(l2, [{ dst: '10.20.0.0/16' }])).toEqual({
    commands: ['route add 10.20.0.0/16 nexthop dev net1 nexthop dev net1-1'],
    routes: [{ dst: '10.20.0.0/16' }],
  });
});

test('all that is malformed is told at once, and a gateway that nothing leads to by name', () => {
  expect(() => planned(l2, [{ dst: 'rubbish', gw: 7 }])).toThrow(/routes\[0\]\.dst.*routes\[0\]\.gw/);
  expect(() => planned(l2, [{ dst: '10.20.0.0/16', gw: '9.9.9.9' }])).toThrow(
    /ipam\.routes\[0\]\.gw 9\.9\.9\.9 is on no NIC's network \(10\.0\.0\.0\/24/,
  );
});

test('the plan that is kept for the next start has them', () => {
  const plan: HostPlan = {
    ...l3,
    routes: [
      { dst: parsePrefix('10.20.0.0/16'), gw: parseAddress('172.16.1.254') },
      { dst: parsePrefix('fd00:9::/32') },
    ],
  };
  expect(decodePlans(encodePlans([plan])).get(plan.network)).toEqual(plan);
});
