import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { PodRequest } from '../../../src/cni/types.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { select } from '../../../src/policy/select.ts';
import type { Policy } from '../../../src/policy/types.ts';
import { block, nic } from '../../support/networks.ts';

const nics = [1, 2, 3, 4].map((i) => nic(`eth${i}`, [`10.1.${i}.1/24`]));
const blocks = [1, 2, 3, 4].map((i) => block(`eth${i}`, 4 - i, [`10.${i}.0.0/16`], [`10.${i}.1.0/24`]));
const policy: Policy = { network: 'net', host: 'h1', strategy: 'none', masterNets: [] };
const pick = (request: Partial<PodRequest>, change: Partial<Policy> = {}, inventory = nics, have = blocks) =>
  select({ ips: [], ...request }, inventory, have, { ...policy, ...change });
const names = (result: ReturnType<typeof pick>) =>
  result.ok ? result.chosen.map((one) => one.nic.name) : result.message;

describe('select', () => {
  it('takes all NICs by interface index', () => {
    const result = pick({});
    expect(names(result)).toEqual(['eth4', 'eth3', 'eth2', 'eth1']);
    expect(result.rejected).toEqual([]);
    expect(names(pick({ nics: 0 }))).toHaveLength(4);
    expect(names(pick({ masters: [] }))).toHaveLength(4);
  });

  it('takes the first so many, and says why not the others', () => {
    const result = pick({ nics: 1 });
    expect(names(result)).toEqual(['eth4']);
    expect(result.rejected.map(({ reason }) => reason)).toEqual(Array(3).fill('the pod asks for 1 NICs only'));
  });

  it('takes masters in their order, then cuts to nics', () => {
    expect(names(pick({ masters: ['eth1', 'eth3'] }))).toEqual(['eth1', 'eth3']);
    const cut = pick({ masters: ['eth1', 'eth3'], nics: 1 });
    expect(names(cut)).toEqual(['eth1']);
    expect(cut.rejected).toEqual([
      { nic: 'eth4', reason: 'masters does not name it' },
      { nic: 'eth2', reason: 'masters does not name it' },
      { nic: 'eth3', reason: 'the pod asks for 1 NICs only' },
    ]);
  });

  it('keeps the NICs of requested addresses when it cuts', () => {
    expect(names(pick({ nics: 2, ips: ['10.1.1.9', 'not an address'] }))).toEqual(['eth4', 'eth1']);
    expect(names(pick({ nics: 1, ips: ['10.2.1.9/24'] }))).toEqual(['eth2']);
  });

  it('says "later" where what others have for a while would be enough', () => {
    const lent = { reason: 'is lent to pod a/b', passing: true };
    const held = {
      unavailable: new Map([
        ['eth1', lent],
        ['eth4', { reason: 'is not named', passing: false }],
      ]),
    };
    expect(names(pick({}, held))).toEqual(['eth3', 'eth2']);
    const codes = (request: Partial<PodRequest>, unavailable = held.unavailable) => pick(request, { unavailable });
    for (const request of [{ nics: 3 }, { masters: ['eth1'] }]) {
      expect(codes(request)).toMatchObject({ ok: false, code: code.tryAgainLater });
      expect(names(codes(request))).toContain('eth1 (is lent to pod a/b), eth4 (is not named)');
    }
    for (const request of [{ nics: 4 }, { masters: ['eth1', 'eth4'] }, { masters: ['eth1', 'eth1'] }]) {
      expect(codes(request)).toMatchObject({ ok: false, code: code.unsatisfiable });
    }
    const all = new Map(nics.map(({ name }) => [name, lent]));
    expect(codes({}, all)).toMatchObject({ ok: false, code: code.tryAgainLater });
  });

  it('keeps to masterNets, of any family', () => {
    const dual = [nic('eth1', ['10.1.1.1/24', 'fd01::1/64']), ...nics.slice(1)];
    const nets = ['10.1.3.0/24', 'fd01::/64'].map(parsePrefix);
    const result = pick({}, { masterNets: nets }, dual);
    expect(names(result)).toEqual(['eth3', 'eth1']);
    expect(result.rejected[0]).toEqual({ nic: 'eth2', reason: 'is on 10.1.2.0/24, which masterNets does not list' });
  });

  it('leaves out NICs that are down, without block or draining, and blocks without NIC', () => {
    const inventory = [...nics.slice(0, 2).map((one, i) => ({ ...one, up: i > 0 })), nic('eth5', ['10.1.5.1/24'])];
    const have = [...blocks.slice(0, 2).map((one, i) => ({ ...one, draining: i > 0 })), ...blocks.slice(2, 3)];
    const result = pick({}, {}, inventory, have);
    expect(result).toMatchObject({ ok: false, code: code.unsatisfiable });
    expect(names(result)).toBe(
      'network "net" on host h1: no NIC can be had. NICs that can be had: none; others: eth1 (is down), eth2 (its block is draining), eth3 (has a block but is not on the host), eth5 (has no block of the network yet)',
    );
  });

  it('gives a reason that stays before the lack of a block', () => {
    const unavailable = new Map([['eth5', { reason: 'has no entry', passing: false }]]);
    expect(names(pick({}, { unavailable }, [nic('eth5', ['10.1.5.1/24'])], []))).toContain('eth5 (has no entry)');
  });

  it.each<[string, Partial<PodRequest>, Partial<Policy>, string]>([
    [
      'unknown names',
      { masters: ['eth1', 'eth9'] },
      {},
      'masters names eth9, which cannot be had. NICs that can be had: eth4, eth3, eth2, eth1',
    ],
    [
      'names outside the pool',
      { masters: ['eth1'] },
      { masterNets: [parsePrefix('10.1.2.0/24')] },
      'eth1 (is on 10.1.1.0/24, which masterNets does not list)',
    ],
    ['a name twice', { masters: ['eth1', 'eth1'] }, {}, 'masters names NIC eth1 twice'],
    [
      'too many NICs',
      { nics: 5 },
      {},
      'the pod asks for 5 NICs, 4 can be had. NICs that can be had: eth4, eth3, eth2, eth1',
    ],
    ['more than masters names', { nics: 2, masters: ['eth1'] }, {}, 'the pod asks for 2 NICs, 1 can be had'],
    ['half a NIC', { nics: 1.5 }, {}, 'nics 1.5, which is no number of NICs'],
    ['a negative number', { nics: -1 }, {}, 'nics -1'],
    ['a class', { class: 'fast' }, {}, 'class "fast", which needs strategy devClass'],
    ['a target', { target: '10Gbps' }, {}, 'bandwidth 10Gbps, which needs strategy costOpt or perfOpt'],
    ['a later strategy', {}, { strategy: 'topology' }, 'strategy "topology" is not supported yet'],
  ])('refuses %s', (_, request, change, text) => {
    const result = pick(request, change);
    expect(result).toMatchObject({ ok: false, code: code.unsatisfiable });
    expect(names(result)).toContain(text);
  });

  it('accounts for every NIC once, in whatever order they come', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(nics),
        fc.shuffledSubarray(blocks),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        (inventory, have, count) => {
          const request = count === undefined ? {} : { nics: count };
          const result = pick(request, {}, inventory, have);
          expect(result).toEqual(pick(request, {}, inventory.toSorted(byName), have.toReversed()));
          if (!result.ok) return;
          const all = [...result.chosen.map((one) => one.nic.name), ...result.rejected.map((one) => one.nic)];
          const known = new Set([...inventory.map((one) => one.name), ...have.map((one) => one.interfaceName)]);
          expect(all.toSorted()).toEqual([...known].toSorted());
        },
      ),
    );
  });

  describe('devices', () => {
    const device = (id: string, nic?: string, handed = false) => ({
      id,
      handed,
      ...(nic === undefined ? {} : { nic }),
    });
    const pickDevices = (request: Partial<PodRequest>, devices: readonly ReturnType<typeof device>[]) =>
      select({ ips: [], ...request }, nics, blocks, policy, devices);
    const ids = (result: ReturnType<typeof pickDevices>) =>
      result.ok
        ? result.chosen.map((one) => `${one.device} ${one.nic.name}/${one.block.interfaceIndex}`)
        : result.message;
    const three = [device('a', 'eth1'), device('b', 'eth1'), device('c', 'eth3')];

    it('all of them, by rail; two of one NIC share its block', () => {
      expect(ids(pickDevices({}, three))).toEqual(['c eth3/1', 'a eth1/3', 'b eth1/3']);
    });

    it('few are spread over the NICs; the one that Multus hands over is the first', () => {
      expect(ids(pickDevices({ nics: 2 }, three))).toEqual(['c eth3/1', 'a eth1/3']);
      const handed = [three[0], device('b', 'eth1', true), three[2]].filter((one) => one !== undefined);
      expect(ids(pickDevices({ nics: 1 }, handed))).toEqual(['b eth1/3']);
      expect(ids(pickDevices({ nics: 2 }, handed))).toEqual(['b eth1/3', 'c eth3/1']);
    });

    it('masters names their NICs', () => {
      expect(ids(pickDevices({ masters: ['eth1'] }, three))).toEqual(['a eth1/3', 'b eth1/3']);
      expect(ids(pickDevices({ masters: ['eth2'] }, three))).toContain('masters names eth2, which cannot be had');
    });

    it('those on no NIC of the network are named', () => {
      expect(ids(pickDevices({ nics: 2 }, [device('x'), device('y', 'eth9'), device('a', 'eth1')]))).toBe(
        'network "net" on host h1: the pod asks for 2 NICs, 1 can be had. NICs that can be had: eth1 a; others: x (is no NIC of the pool, nor a virtual function of one), y (is on NIC eth9, which cannot be had)',
      );
      expect(ids(pickDevices({}, []))).toContain('no NIC can be had');
    });
  });
});

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
