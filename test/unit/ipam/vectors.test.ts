import { describe, expect, it } from 'vitest';
import { blockOf, blocksOf, railOf } from '../../../src/ipam/blocks.ts';
import { configOf, layoutOf, podsOf, vlansOf } from '../../../src/ipam/layout.ts';
import { UsableIndexes } from '../../../src/ipam/usable-index.ts';
import { NetError, parseAddress } from '../../../src/net/address.ts';
import { addressAt, containsAddress, formatPrefix, offsetOf, parsePrefix, partOf } from '../../../src/net/prefix.ts';
import { unusableRuns } from '../../../src/net/usable.ts';
import { network, nic } from '../../support/networks.ts';

// Vectors of the predecessor, by section of the behaviour dossier; what it counts as bugs is not held.

const layout = (interfaceBlock: number, hostBlock: number, excludes: string[] = []) =>
  layoutOf(configOf(network({ interfaceBlock, hostBlock, excludes: excludes.map(parsePrefix) })));
const vlan = (m: number, index: number) => vlansOf(layout(m, 0), index).map(formatPrefix).join();
const pod = (m: number, n: number, iface: number, host: number) =>
  podsOf(layout(m, n), vlansOf(layout(m, n), iface), host)
    .map(formatPrefix)
    .join();

describe('3.1 bit layout', () => {
  it.each([
    [0, '192.168.0.0/18'],
    [1, '192.168.64.0/18'],
    [2, '192.168.128.0/18'],
    [3, '192.168.192.0/18'],
  ])('interface %i of 192.168.0.0/16 with 2 bits is %s', (index, expected) => {
    expect(vlan(2, index)).toBe(expected);
  });

  it.each([
    [6, 0, 0, '192.168.0.0/24'],
    [6, 0, 1, '192.168.1.0/24'],
    [6, 0, 2, '192.168.2.0/24'],
    [6, 0, 63, '192.168.63.0/24'],
    [6, 1, 0, '192.168.64.0/24'],
    [6, 1, 1, '192.168.65.0/24'],
    [6, 1, 2, '192.168.66.0/24'],
    [6, 1, 63, '192.168.127.0/24'],
    [8, 0, 0, '192.168.0.0/26'],
    [8, 0, 1, '192.168.0.64/26'],
    [8, 0, 2, '192.168.0.128/26'],
    [8, 0, 3, '192.168.0.192/26'],
    [8, 0, 4, '192.168.1.0/26'],
    [8, 0, 255, '192.168.63.192/26'],
    [10, 1, 0, '192.168.64.0/28'],
    [10, 1, 1, '192.168.64.16/28'],
    [10, 1, 63, '192.168.67.240/28'],
    [10, 1, 512, '192.168.96.0/28'],
    [10, 1, 1023, '192.168.127.240/28'],
  ])('host block %i, interface %i, host %i is %s', (n, iface, host, expected) => {
    expect(pod(2, n, iface, host)).toBe(expected);
  });

  it('refuses indexes and bits that do not fit', () => {
    expect(() => pod(2, 6, 4, 0)).toThrow(NetError);
    expect(() => pod(2, 6, 0, 64)).toThrow(NetError);
    expect(() => layout(2, 15)).toThrow('interfaceBlock 2 and hostBlock 15 do not fit');
  });

  it('works alike with IPv6, and with both', () => {
    const both = layoutOf(
      configOf(network({ subnets: ['192.168.0.0/16', 'fd00::/48'].map(parsePrefix), interfaceBlock: 2, hostBlock: 6 })),
    );
    const vlans = vlansOf(both, 1);
    expect(vlans.map(formatPrefix)).toEqual(['192.168.64.0/18', 'fd00:0:0:4000::/50']);
    expect(podsOf(both, vlans, 1).map(formatPrefix)).toEqual(['192.168.65.0/24', 'fd00:0:0:4100::/56']);
  });
});

describe('3.2 excluded indexes', () => {
  it('skips index 1 on interface 0 of the test config, and no other', () => {
    const config = layout(2, 8, ['192.168.0.64/26', '192.168.0.128/30']);
    const rails = [{ interfaceIndex: 0, netAddresses: ['10.242.0.0/24'], ordinal: 0 }];
    const usable = new UsableIndexes(config, rails);
    expect([0, 1, 2, 3].filter((index) => usable.has(index))).toEqual([0, 2, 3]);
    expect(usable.next(1)).toBe(2);
    const second = new UsableIndexes(config, [{ interfaceIndex: 1, netAddresses: ['10.242.1.0/24'], ordinal: 0 }]);
    expect([0, 1, 2, 3].filter((index) => second.has(index))).toEqual([0, 1, 2, 3]);
  });

  it.each([
    [[], true],
    [['192.168.0.0/24'], false],
    [['192.0.0.0/8'], false],
    [['192.168.1.0/24'], true],
    // A bare address counts as well: in a block of one address it is the whole block.
    [['192.168.0.0/25', '192.168.0.128/25'], false],
  ])('3.8 with excludes %j index 0 of 192.168.0.0/16 with 8 bits is usable: %s', (excludes, usable) => {
    const indexes = new UsableIndexes(layout(0, 8, excludes), [
      { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 },
    ]);
    expect(indexes.has(0)).toBe(usable);
  });

  it('jumps over a large exclude instead of walking through it', () => {
    const wide = layoutOf(
      configOf(
        network({
          subnets: [parsePrefix('fd00::/48')],
          interfaceBlock: 1,
          hostBlock: 31,
          excludes: [parsePrefix('fd00::/50')],
        }),
      ),
    );
    const rail = { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 };
    expect(new UsableIndexes(wide, [rail]).next(0)).toBe(2 ** 30);
  });
});

describe('3.7 and 4.3 excludes inside blocks', () => {
  const rail = { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 };
  const excludesOf = (subnet: string, hostBlock: number, index: number, excludes: string[]) =>
    blockOf(
      layoutOf(
        configOf(
          network({
            subnets: [parsePrefix(subnet)],
            interfaceBlock: 0,
            hostBlock,
            excludes: excludes.map(parsePrefix),
          }),
        ),
      ),
      rail,
      index,
      'h',
      nic('eth1', ['10.1.0.1/24']),
    )?.excludes.map(formatPrefix);

  it('hands smaller excludes to the block that they lie in, and to no other', () => {
    expect(excludesOf('10.0.0.0/16', 0, 0, ['10.0.1.0/24'])).toBeUndefined();
    expect(excludesOf('10.0.0.0/8', 8, 0, ['10.0.1.0/24'])).toEqual(['10.0.1.0/24']);
    expect(excludesOf('10.0.0.0/16', 8, 2, ['10.0.1.0/24'])).toEqual([]);
    // One that covers the block leaves no block.
    expect(excludesOf('10.0.0.0/16', 9, 3, ['10.0.1.0/24'])).toBeUndefined();
  });

  it.each([
    ['10.0.0.0/16', [], []],
    ['10.0.0.0/16', ['10.0.0.0/24'], [[0n, 255n]]],
    [
      '10.0.0.0/16',
      ['10.0.0.0/24', '10.0.1.1/32'],
      [
        [0n, 255n],
        [257n, 257n],
      ],
    ],
    ['10.0.0.0/24', ['10.0.0.0/23'], [[0n, 255n]]],
  ])('in %s excludes %s are places %s', (block, excludes, runs) => {
    // The rail is wider than the block, so that its own ends are elsewhere.
    const found = unusableRuns(parsePrefix(block), parsePrefix('8.0.0.0/6'), excludes.map(parsePrefix));
    expect(found.map(({ first, last }) => [first, last])).toEqual(runs);
  });
});

describe('3.8 parts and places', () => {
  it('computes nets', () => {
    expect(formatPrefix(partOf(parsePrefix('192.168.0.0/16'), 0, 2))).toBe('192.168.0.0/18');
    expect(() => parsePrefix('192.168.0.0')).toThrow(NetError);
    expect(() => partOf(parsePrefix('192.168.0.0/16'), 4, 2)).toThrow(NetError);
  });

  it.each([
    ['192.168.1.0/24', '192.168.1.100', 100n],
    ['192.168.1.0/24', '192.168.2.100', undefined],
    ['192.168.1.0/24', '192.168.1.0', 0n],
    ['10.0.0.0/8', '192.168.1.100', undefined],
    ['192.168.0.0/16', '192.168.0.10', 10n],
    ['192.168.0.0/16', '192.168.1.1', 257n],
    ['10.0.0.0/8', '10.1.1.1', 65793n],
    ['192.168.0.0/26', '192.168.1.1', undefined],
  ])('in %s the place of %s is %s', (prefix, address, place) => {
    const block = parsePrefix(prefix);
    expect(containsAddress(block, parseAddress(address))).toBe(place !== undefined);
    if (place === undefined) expect(() => offsetOf(block, parseAddress(address))).toThrow(NetError);
    else expect(offsetOf(block, parseAddress(address))).toBe(place);
  });

  it.each([
    [0n, '10.0.0.0'],
    [1n, '10.0.0.1'],
    [256n, '10.0.1.0'],
  ])('4.4 address %s of 10.0.0.0/16 is %s', (place, text) => {
    expect(addressAt(parsePrefix('10.0.0.0/16'), place)).toEqual(parseAddress(text));
  });
});

describe('blocksOf', () => {
  const config = configOf(network({ masterNets: ['10.1.0.0/24', '10.1.1.0/24'].map(parsePrefix) }));
  const rails = [
    { interfaceIndex: 1, netAddresses: ['10.1.1.0/24'], ordinal: 0 },
    { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 },
    { interfaceIndex: 2, netAddresses: ['10.1.0.0/24'], ordinal: 1 },
  ];
  const nics = [
    nic('eth2', ['10.1.0.3/24'], { key: 'b' }),
    nic('eth9', ['10.9.0.1/24']),
    nic('eth3', ['10.1.1.2/24']),
    nic('eth1', ['10.1.0.2/24'], { key: 'a' }),
    nic('eth4', []),
  ];
  const shown = (blocks: ReturnType<typeof blocksOf>) =>
    blocks.map((one) => [one.interfaceIndex, one.interfaceName, one.podCIDRs.map(formatPrefix).join()]);

  it('gives each NIC of the pool its block, the k-th of a network by key', () => {
    expect(shown(blocksOf(config, rails, 1, 'h', nics))).toEqual([
      [0, 'eth1', '192.168.1.0/24'],
      [1, 'eth3', '192.168.65.0/24'],
      [2, 'eth2', '192.168.129.0/24'],
    ]);
  });

  it('follows the owners where they are known', () => {
    const owners = new Map([[0, 'b']]);
    expect(shown(blocksOf(config, rails, 1, 'h', nics, owners)).map(([, name]) => name)).toEqual([
      'eth2',
      'eth3',
      'eth1',
    ]);
    // The owner is away: nobody else takes its block.
    const away = new Map([
      [0, 'c'],
      [2, 'b'],
    ]);
    expect(shown(blocksOf(config, rails, 1, 'h', nics, away)).map(([index]) => index)).toEqual([1, 2]);
  });

  it('takes an index that differs on a rail', () => {
    const imported = rails.map((rail) => (rail.interfaceIndex === 1 ? { ...rail, hostOverrides: { h: 5 } } : rail));
    expect(shown(blocksOf(config, imported, 1, 'h', nics))[1]).toEqual([1, 'eth3', '192.168.69.0/24']);
    expect(shown(blocksOf(config, imported, 1, 'other', nics))[1]).toEqual([1, 'eth3', '192.168.65.0/24']);
  });

  it('finds the rail of a NIC', () => {
    const [first = nic('', [])] = nics;
    expect(railOf(first, 0, rails)?.interfaceIndex).toBe(0);
    expect(railOf(first, 1, rails)?.interfaceIndex).toBe(2);
    expect(railOf(nic('x', ['10.9.0.1/24']), 0, rails)).toBeUndefined();
  });
});
