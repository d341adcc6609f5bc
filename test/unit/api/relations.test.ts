import { describe, expect, it } from 'vitest';
import type { Network } from '../../../src/api/network.ts';
import { conflicts, type HostNics } from '../../../src/api/relations.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { network, nic } from '../../support/networks.ts';

const old = network({ name: 'old', createdAt: 1 });
const young = (change: Partial<Network>) =>
  network({ name: 'young', createdAt: 2, subnets: [parsePrefix('172.16.0.0/12')], ...change });
const hosts: HostNics[] = [
  { hostName: 'h1', nics: [nic('eth1', ['10.1.0.1/24', 'fd01::1/64']), nic('eth2', ['10.1.1.1/24'])] },
];
const nets = (...texts: string[]) => texts.map(parsePrefix);

function reasons(
  self: Network,
  other: Network,
  known: readonly HostNics[] = hosts,
  verdicts = [false, false],
): string[] {
  const [mine = false, theirs = false] = verdicts;
  return conflicts({ network: self, accepted: mine }, [{ network: other, accepted: theirs }], known).map(
    ({ reason }) => reason,
  );
}

describe('conflicts', () => {
  it('lets networks be that do not touch', () => {
    expect(reasons(young({}), old)).toEqual([]);
  });

  it('refuses the younger of two with overlapping subnets, and names both', () => {
    const self = young({ subnets: nets('192.168.128.0/20') });
    const [problem] = conflicts({ network: self, accepted: false }, [{ network: old, accepted: false }], hosts);
    expect(problem).toEqual({
      reason: 'SubnetOverlap',
      message:
        'subnet 192.168.128.0/20 of network "young" overlaps 192.168.0.0/16 of network "old": choose a prefix outside it',
    });
    expect(reasons(old, self)).toEqual([]);
  });

  it('lets the older win, then the lower name', () => {
    const a = young({ name: 'a', mode: 'l2', routed: false });
    const b = young({ name: 'b', subnets: nets('10.99.0.0/16') });
    expect(reasons(a, b)).toEqual([]);
    expect(reasons(b, a)).toEqual(['ModeConflict']);
  });

  it('never takes an acceptance back, and lets the accepted one win over an older', () => {
    const self = young({ pluginType: 'macvlan', mode: 'bridge', routed: false });
    expect(reasons(self, old, hosts, [true, false])).toEqual([]);
    expect(reasons(self, old, hosts, [true, true])).toEqual([]);
    expect(reasons(old, self, hosts, [false, true])).toEqual(['LinkKindConflict']);
  });

  it('refuses another link kind or ipvlan mode on a shared NIC', () => {
    expect(reasons(young({ pluginType: 'macvlan', mode: 'bridge', routed: false }), old)).toEqual(['LinkKindConflict']);
    expect(reasons(young({ mode: 'l2', routed: false }), old)).toEqual(['ModeConflict']);
    expect(reasons(young({ mode: 'l3s' }), old)).toEqual(['ModeConflict']);
    const modes = [
      young({ pluginType: 'macvlan', mode: 'vepa', routed: false }),
      network({ name: 'old', createdAt: 1, pluginType: 'macvlan', mode: 'bridge', routed: false }),
    ] as const;
    expect(reasons(...modes)).toEqual([]);
  });

  it('says once what several networks make on a NIC', () => {
    const others = ['one', 'two'].map((name) => ({ network: network({ name, createdAt: 1 }), accepted: true }));
    const self = young({ pluginType: 'macvlan', mode: 'bridge', routed: false });
    expect(conflicts({ network: self, accepted: false }, others, hosts)).toEqual([
      {
        reason: 'LinkKindConflict',
        message:
          'network "young" makes macvlan links on NIC eth1 of host h1, networks "one", "two" ipvlan links, and a NIC carries one kind: use plugin type ipvlan, or other NICs by masterNets',
      },
    ]);
  });

  it('sees NICs as shared by any family, by lists where no host is known, and not otherwise', () => {
    const l2 = { mode: 'l2', routed: false } as const;
    const four = network({ name: 'old', createdAt: 1, masterNets: nets('10.1.0.0/24') });
    expect(reasons(young({ ...l2, masterNets: nets('fd01::/64') }), four)).toEqual(['ModeConflict']);
    expect(reasons(young({ ...l2, masterNets: nets('10.1.1.0/24') }), four)).toEqual([]);
    expect(reasons(young({ ...l2, masterNets: nets('10.1.0.0/24') }), four, [])).toEqual(['ModeConflict']);
    expect(reasons(young(l2), four, [])).toEqual(['ModeConflict']);
    expect(reasons(young(l2), old, [])).toEqual(['ModeConflict']);
    expect(reasons(young({ ...l2, masterNets: nets('10.9.0.0/24') }), four, [])).toEqual([]);
  });

  it('allows equal subnets on separate NICs only where no host routes', () => {
    const l2 = { mode: 'l2', routed: false, subnets: nets('192.168.0.0/16') } as const;
    const first = network({ ...l2, name: 'old', createdAt: 1, masterNets: nets('10.1.0.0/24') });
    expect(reasons(young({ ...l2, masterNets: nets('10.1.1.0/24') }), first)).toEqual([]);
    const routed = { ...first, mode: 'l3', routed: true } as const;
    expect(reasons(young({ ...l2, masterNets: nets('10.1.1.0/24') }), routed)).toEqual(['SubnetOverlap']);
  });

  it("refuses a subnet that overlaps a host NIC's network or the cluster's, once for each network", () => {
    const self = young({ subnets: nets('10.0.0.0/8') });
    const more: HostNics[] = [...hosts, { hostName: 'h2', nics: [nic('eth1', ['10.1.0.2/24'])] }];
    const found = conflicts({ network: self, accepted: false }, [], more, [
      { what: 'the service network', prefix: parsePrefix('10.96.0.0/12') },
    ]);
    expect(found.map(({ reason }) => reason)).toEqual([
      'OverlapsHostNetwork',
      'OverlapsHostNetwork',
      'OverlapsClusterNetwork',
    ]);
    expect(found[0]?.message).toContain('10.1.0.0/24, the network of NIC eth1 of host h1');
    expect(found[2]?.message).toContain('10.96.0.0/12, the service network: choose');
    const pods = ['10.244.0.0/24', '10.244.1.0/24', '11.0.0.0/8'].map((text) => ({
      what: 'pods',
      prefix: parsePrefix(text),
    }));
    const [one, ...rest] = conflicts({ network: self, accepted: false }, [], [], pods);
    expect(one?.message).toContain('10.244.0.0/24, pods (and 1 more prefixes that the cluster uses): choose');
    expect(rest).toEqual([]);
  });

  it('does not judge a network by itself', () => {
    expect(reasons(old, { ...old, createdAt: 0 })).toEqual([]);
  });
});
