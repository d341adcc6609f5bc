import { describe, expect, test } from 'vitest';
import type { Block, HostPlan, Nic } from '../../../src/api/host.ts';
import { type RemoteBlock, routeSetFor, routesFor } from '../../../src/hostroute/plan.ts';
import type { HostRoute } from '../../../src/hostroute/types.ts';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { formatPrefix, parseInterfaceAddress, parsePrefix } from '../../../src/net/prefix.ts';

function nic(name: string, address: string, up = true): Nic {
  return { name, key: name, mac: name, mtu: 1500, up, addresses: [parseInterfaceAddress(address)] };
}

function block(interfaceIndex: number, interfaceName: string, net: string): Block {
  return {
    interfaceIndex,
    interfaceName,
    netAddresses: [parsePrefix(net)],
    vlanCIDRs: [parsePrefix(`192.168.${interfaceIndex * 64}.0/18`)],
    podCIDRs: [parsePrefix(`192.168.${interfaceIndex * 64}.0/24`)],
    excludes: [],
    draining: false,
  };
}

function plan(blocks: readonly Block[], subnets = ['192.168.0.0/16']): HostPlan {
  return {
    network: 'net-a',
    uid: 'u',
    hostIndex: 0,
    revision: { network: 1, host: 1 },
    draining: false,
    pluginType: 'ipvlan',
    binding: 'master',
    mode: 'l3',
    ipam: { kind: 'pool' },
    routed: true,
    subnets: subnets.map(parsePrefix),
    masterNets: [],
    blocks,
  };
}

function remote(
  hostName: string,
  interfaceIndex: number,
  net: string,
  hop: string,
  pod: string,
  more: Partial<RemoteBlock> = {},
): RemoteBlock {
  return {
    hostName,
    interfaceIndex,
    netAddresses: [parsePrefix(net)],
    podCIDRs: [parsePrefix(pod)],
    hostIPs: hop === '' ? [] : [parseAddress(hop)],
    ...more,
  };
}

function show(route: HostRoute): string {
  return `${formatPrefix(route.dst)} via ${formatAddress(route.via)} dev ${route.dev} metric ${route.metric}`;
}

const nics = [nic('eth1', '10.1.1.1/24'), nic('eth2', '10.1.2.1/24')];
const blocks = [block(0, 'eth1', '10.1.1.0/24'), block(1, 'eth2', '10.1.2.0/24')];

describe('routesFor', () => {
  test('each other host by each rail that both have', () => {
    const { routes, problems } = routesFor({
      plan: plan(blocks),
      nics,
      remote: [
        remote('b', 0, '10.1.1.0/24', '10.1.1.2', '192.168.1.0/24'),
        remote('b', 1, '10.1.2.0/24', '10.1.2.2', '192.168.65.0/24'),
        remote('c', 1, '10.1.2.0/24', '10.1.2.3', '192.168.66.0/24'),
        remote('c', 2, '10.1.3.0/24', '10.1.3.3', '192.168.130.0/24'),
      ],
    });
    expect(routes.map(show)).toEqual([
      '192.168.1.0/24 via 10.1.1.2 dev eth1 metric 100',
      '192.168.65.0/24 via 10.1.2.2 dev eth2 metric 100',
      '192.168.66.0/24 via 10.1.2.3 dev eth2 metric 100',
    ]);
    expect(problems).toEqual([]);
  });

  test('several NICs of one network: a route on each, the owner of the rail first', () => {
    const segment = '10.1.0.0/16';
    const own = [block(0, 'eth1', segment), block(1, 'eth2', segment)];
    const others = [
      remote('b', 0, segment, '10.1.0.12', '192.168.1.0/24'),
      remote('b', 1, segment, '10.1.0.13', '192.168.65.0/24'),
      remote('b', 2, segment, '10.1.0.14', '192.168.129.0/24'),
    ];
    const { routes } = routesFor({ plan: plan(own), nics, remote: others });
    expect(routes.map(show)).toEqual([
      '192.168.1.0/24 via 10.1.0.12 dev eth1 metric 100',
      '192.168.1.0/24 via 10.1.0.12 dev eth2 metric 201',
      '192.168.65.0/24 via 10.1.0.13 dev eth1 metric 200',
      '192.168.65.0/24 via 10.1.0.13 dev eth2 metric 100',
      '192.168.129.0/24 via 10.1.0.14 dev eth1 metric 200',
      '192.168.129.0/24 via 10.1.0.14 dev eth2 metric 201',
    ]);
  });

  test('a NIC that is down or gone takes no routes, those of the others stay as they are', () => {
    const others = [remote('b', 0, '10.1.0.0/16', '10.1.0.12', '192.168.1.0/24')];
    const own = [block(0, 'eth1', '10.1.0.0/16'), block(1, 'eth2', '10.1.0.0/16'), block(2, 'eth3', '10.1.0.0/16')];
    const down = [nic('eth1', '10.1.1.1/16', false), nic('eth2', '10.1.2.1/16')];
    expect(routesFor({ plan: plan(own), nics: down, remote: others }).routes.map(show)).toEqual([
      '192.168.1.0/24 via 10.1.0.12 dev eth2 metric 201',
    ]);
  });

  test('IPv6 goes by the global address, else the link-local one; what has neither is told', () => {
    const net = 'fd01::/64';
    const own = [{ ...block(0, 'eth1', net) }];
    const { routes, problems } = routesFor({
      plan: plan(own, ['fd00::/48']),
      nics,
      remote: [
        remote('b', 0, net, 'fd01::2', 'fd00:0:0:1::/64', { linkLocal: parseAddress('fe80::2') }),
        remote('c', 0, net, '', 'fd00:0:0:2::/64', { linkLocal: parseAddress('fe80::3') }),
        remote('d', 0, net, '10.1.1.4', 'fd00:0:0:3::/64'),
        remote('e', 0, net, 'fd01::5', '192.168.5.0/24', { linkLocal: parseAddress('fe80::5') }),
      ],
    });
    expect(routes.map(show)).toEqual([
      'fd00:0:0:1::/64 via fd01::2 dev eth1 metric 100',
      'fd00:0:0:2::/64 via fe80::3 dev eth1 metric 100',
    ]);
    expect(problems).toEqual([
      'network net-a: no route to fd00:0:0:3::/64 of host d: its NIC on interface index 0 has no IPv6 address (known: 10.1.1.4)',
      'network net-a: no route to 192.168.5.0/24 of host e: its NIC on interface index 0 has no IPv4 address (known: fd01::5)',
    ]);
  });
});

describe("routes of the network's pods", () => {
  const routes = ['10.1.1.254', '10.1.2.254', '172.16.0.1'].map((gw) => ({
    dst: parsePrefix('10.20.0.0/16'),
    gw: parseAddress(gw),
  }));

  test('go to the gateway by the NIC on whose network it is; one without gateway is no matter of the host', () => {
    const more = { routes: [...routes, { dst: parsePrefix('10.30.0.0/16') }] };
    expect(routesFor({ plan: { ...plan(blocks), ...more }, nics, remote: [] }).routes.map(show)).toEqual([
      '10.20.0.0/16 via 10.1.1.254 dev eth1 metric 200',
      '10.20.0.0/16 via 10.1.2.254 dev eth2 metric 201',
    ]);
  });

  test("another host's block is not led astray by one to the same destination", () => {
    const remotes = [remote('b', 0, '10.1.1.0/24', '10.1.1.2', '10.20.0.0/16')];
    expect(routesFor({ plan: { ...plan(blocks), routes }, nics, remote: remotes }).routes.map(show)).toEqual([
      '10.20.0.0/16 via 10.1.1.2 dev eth1 metric 100',
    ]);
  });
});

describe('routeSetFor', () => {
  test('a rule for each subnet; without subnets one for each rail prefix', () => {
    const of = (subnets: string[]): string[] =>
      routeSetFor(
        { plan: plan([...blocks, block(0, 'eth3', '10.1.1.0/24')], subnets), nics, remote: [] },
        7,
      ).set.subnets.map(formatPrefix);
    expect(of(['192.168.0.0/16', 'fd00::/48'])).toEqual(['192.168.0.0/16', 'fd00::/48']);
    expect(of([])).toEqual(['192.168.0.0/18', '192.168.64.0/18']);
  });
});
