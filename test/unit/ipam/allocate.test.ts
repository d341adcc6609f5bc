import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import { allocate } from '../../../src/ipam/allocate.ts';
import { BlockPool } from '../../../src/ipam/pool.ts';
import { formatAddress, parseAddress } from '../../../src/net/address.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { block } from '../../support/networks.ts';

const two = () => [
  new BlockPool(block('eth1', 0, ['192.168.0.0/18'], ['192.168.1.0/30'])),
  new BlockPool(block('eth2', 1, ['192.168.64.0/18'], ['192.168.65.0/30'], ['192.168.65.2/32'])),
];
const ask = (chosen: readonly BlockPool[], requested: string[] = [], now = 0, all = chosen) =>
  allocate({ network: 'net', host: 'h1', chosen, all, requested, now });
const shown = (result: ReturnType<typeof ask>) =>
  result.ok ? result.addresses.map(({ nic, address }) => `${nic} ${formatAddress(address)}`) : result.message;

describe('allocate', () => {
  it('takes one address on each NIC, with the prefix of the rail', () => {
    const result = ask(two());
    expect(shown(result)).toEqual(['eth1 192.168.1.0', 'eth2 192.168.65.0']);
    expect(
      result.ok && result.addresses.map(({ vlanCIDR, interfaceIndex }) => [formatPrefix(vlanCIDR), interfaceIndex]),
    ).toEqual([
      ['192.168.0.0/18', 0],
      ['192.168.64.0/18', 1],
    ]);
  });

  it('takes one of each family', () => {
    const dual = [new BlockPool(block('eth1', 0, ['10.0.0.0/16', 'fd00::/56'], ['10.0.1.0/24', 'fd00:0:0:1::/64']))];
    expect(shown(ask(dual))).toEqual(['eth1 10.0.1.0', 'eth1 fd00:0:0:1::']);
    expect(shown(ask(dual, ['fd00:0:0:1::7']))).toEqual(['eth1 10.0.1.1', 'eth1 fd00:0:0:1::7']);
    expect(dual[0]?.held).toBe(4);
  });

  it('takes all or nothing, and says what is full', () => {
    const pools = two();
    for (let i = 0; i < 3; i++) expect(ask(pools).ok).toBe(true);
    const refused = ask(pools, [], 5);
    expect(refused).toEqual({
      ok: false,
      code: code.exhausted,
      message:
        'network "net", host h1, NIC eth2: block 192.168.65.0/30 has no free address: of 3, 3 are in use and 0 rest after their release. Delete pods, or plan larger blocks (lower hostBlock)',
    });
    expect(pools.map(({ held }) => held)).toEqual([3, 3]);
    pools[1]?.poolOf(parseAddress('192.168.65.1'))?.rest(parseAddress('192.168.65.1'), 5);
    expect(shown(ask(pools, [], 5))).toContain('2 are in use and 1 rest');
    expect(shown(ask(pools, [], 10_005))).toEqual(['eth1 192.168.1.3', 'eth2 192.168.65.1']);
  });

  it('a NIC that gives two interfaces gives each an address of its own, requested ones too', () => {
    const [first, second] = two();
    if (first === undefined || second === undefined) throw new Error('no pools');
    const result = ask([first, first, second]);
    expect(result.ok && result.addresses.map(({ position }) => position)).toEqual([0, 1, 2]);
    expect(shown(result)).toEqual(['eth1 192.168.1.0', 'eth1 192.168.1.1', 'eth2 192.168.65.0']);
    const wanted = ['192.168.1.3', '192.168.1.2'];
    expect(shown(ask([first, first], wanted))).toEqual(['eth1 192.168.1.3', 'eth1 192.168.1.2']);
    expect(shown(ask([first], wanted))).toContain('are both of block 192.168.1.0/30');
  });

  it('gives back what it took, once, and lets it rest on where it rested', () => {
    const pools = two();
    const [, second] = pools;
    for (const last of [0, 1, 3])
      second?.poolOf(parseAddress(`192.168.65.${last}`))?.rest(parseAddress(`192.168.65.${last}`), last);
    const result = ask(pools, [], 20_000);
    expect(shown(result)).toEqual(['eth1 192.168.1.0', 'eth2 192.168.65.0']);
    if (!result.ok) return;
    result.giveBack();
    result.giveBack();
    expect(pools.map(({ held }) => held)).toEqual([0, 0]);
    expect(second?.resting(20_000)).toBe(3);
    expect(shown(ask(pools, [], 20_000))).toEqual(['eth1 192.168.1.1', 'eth2 192.168.65.0']);
  });

  it('gives requested addresses to the NIC whose block has them, whatever their order', () => {
    expect(shown(ask(two(), ['192.168.65.3', '192.168.1.2/24']))).toEqual(['eth1 192.168.1.2', 'eth2 192.168.65.3']);
    expect(shown(ask(two(), ['192.168.65.1']))).toEqual(['eth1 192.168.1.0', 'eth2 192.168.65.1']);
  });

  it.each([
    [
      'is in use',
      ['192.168.1.1'],
      code.unsatisfiable,
      'requested address 192.168.1.1 of network "net" on host h1, NIC eth1 is in use by another',
    ],
    ['is excluded', ['192.168.65.2'], code.unsatisfiable, 'NIC eth2 is excluded by 192.168.65.2/32'],
    ['rests', ['192.168.65.3'], code.tryAgainLater, 'rests for another 6 s'],
    [
      'is foreign',
      ['172.16.0.1'],
      code.unsatisfiable,
      'its blocks there are 192.168.1.0/30 (eth1), 192.168.65.0/30 (eth2)',
    ],
    [
      'is of a NIC not chosen',
      ['192.168.129.1'],
      code.unsatisfiable,
      'belongs to NIC eth3 of network "net" on host h1, which the pod does not get (it gets eth1, eth2)',
    ],
    ['is no address', ['192.168.1'], code.invalidConfig, '"192.168.1" is not an IP address'],
    ['has a length that is none', ['192.168.1.1/99'], code.invalidConfig, 'prefix length'],
    [
      'is a second one of a block',
      ['192.168.1.2', '192.168.1.3'],
      code.unsatisfiable,
      '192.168.1.2 and 192.168.1.3 are both of block 192.168.1.0/30',
    ],
  ])('refuses an address that %s, and takes nothing', (_, requested, expected, text) => {
    const pools = two();
    const third = new BlockPool(block('eth3', 2, ['192.168.128.0/18'], ['192.168.129.0/30']));
    pools[0]?.poolOf(parseAddress('192.168.1.1'))?.hold(parseAddress('192.168.1.1'));
    pools[1]?.poolOf(parseAddress('192.168.65.3'))?.rest(parseAddress('192.168.65.3'), 1_000);
    const refused = ask(pools, requested, 5_000, [...pools, third]);
    expect(refused).toMatchObject({ ok: false, code: expected });
    expect(shown(refused)).toContain(text);
    expect(pools.map(({ held }) => held)).toEqual([1, 0]);
  });

  it("refuses the ends of the rail's prefix by name", () => {
    const whole = [new BlockPool(block('eth1', 0, ['10.0.0.0/29'], ['10.0.0.0/29']))];
    expect(shown(ask(whole, ['10.0.0.7']))).toContain('is an end of 10.0.0.0/29');
    expect(shown(ask(whole, ['10.0.0.0']))).toContain('is an end of 10.0.0.0/29');
  });

  it('gives a resting address by name once the floor is past', () => {
    const pools = two();
    pools[0]?.poolOf(parseAddress('192.168.1.2'))?.rest(parseAddress('192.168.1.2'), 0);
    expect(shown(ask(pools, ['192.168.1.2'], 9_999))).toContain('rests for another 1 s');
    expect(shown(ask(pools, ['192.168.1.2'], 10_000))).toEqual(['eth1 192.168.1.2', 'eth2 192.168.65.0']);
  });

  it('never holds a part, whatever is asked for in whatever order', () => {
    const request = fc.record({
      nics: fc.uniqueArray(fc.nat(2), { minLength: 1 }),
      named: fc.array(fc.tuple(fc.nat(3), fc.nat(5)), { maxLength: 2 }),
      end: fc.constantFrom('keep', 'giveBack', 'rest'),
      wait: fc.constantFrom(0, 1_000, 20_000),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (requests) => {
        const pools = [0, 1, 2].map(
          (i) =>
            new BlockPool(
              block(`eth${i}`, i, [`10.${i}.0.0/16`, `fd00:${i}::/64`], [`10.${i}.1.0/30`, `fd00:${i}::8/125`]),
            ),
        );
        const held = new Set<string>();
        const released = new Map<string, number>();
        let now = 0;
        for (const { nics, named, end, wait } of requests) {
          now += wait;
          const chosen = nics.flatMap((index) => pools[index] ?? []);
          const before = pools.map((pool) => pool.held);
          const requested = named.map(([nic, last]) => `10.${nic}.1.${last}`);
          const result = ask(chosen, requested, now, pools);
          if (!result.ok) {
            expect(pools.map((pool) => pool.held)).toEqual(before);
            continue;
          }
          expect(result.addresses).toHaveLength(chosen.length * 2);
          const texts = result.addresses.map(({ address }) => formatAddress(address));
          for (const text of requested) expect(texts).toContain(text);
          for (const text of texts) {
            expect(held.has(text)).toBe(false);
            expect(now - (released.get(text) ?? -99_999)).toBeGreaterThanOrEqual(10_000);
            if (end !== 'giveBack') released.delete(text);
          }
          if (end === 'keep') for (const text of texts) held.add(text);
          if (end === 'giveBack') result.giveBack();
          if (end === 'rest') {
            for (const { address } of result.addresses) {
              for (const pool of pools) pool.poolOf(address)?.rest(address, now);
              released.set(formatAddress(address), now);
            }
          }
          expect(pools.reduce((sum, pool) => sum + pool.held, 0)).toBe(held.size);
        }
      }),
    );
  });

  it('is deterministic', () => {
    const run = () => {
      const pools = two();
      return Array.from({ length: 3 }, () => shown(ask(pools)));
    };
    expect(run()).toEqual(run());
  });
});
