import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { clusterPrefixes, toldPrefixes } from '../../../src/operator/decide/cluster-prefixes.ts';

describe('prefixes that the cluster uses itself', () => {
  it('are those that were told and the pod networks of the Nodes, by name', () => {
    const nodes = [
      { name: 'b', podCIDRs: ['10.244.1.0/24'] },
      { name: 'a', podCIDRs: ['10.244.0.0/24', 'fd00:44::/64', 'none of ours'] },
      { name: 'c', podCIDRs: [] },
    ];
    const found = clusterPrefixes(toldPrefixes(['10.96.0.0/12'], undefined), nodes);
    expect(found.map(({ what, prefix }) => `${formatPrefix(prefix)} ${what}`)).toEqual([
      '10.96.0.0/12 a network of the cluster (--cluster-network)',
      '10.244.0.0/24 the pod network of node a',
      'fd00:44::/64 the pod network of node a',
      '10.244.1.0/24 the pod network of node b',
    ]);
  });

  it('in a pod include the address of the service kubernetes', () => {
    expect(toldPrefixes([], 'fd00:96::1').map(({ prefix }) => formatPrefix(prefix))).toEqual(['fd00:96::1/128']);
    expect(toldPrefixes([], '10.96.0.1').map(({ prefix }) => formatPrefix(prefix))).toEqual(['10.96.0.1/32']);
    expect(() => toldPrefixes(['10.96.0.1/12'], undefined)).toThrow('write 10.96.0.0/12');
  });
});
