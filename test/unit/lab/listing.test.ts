import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fabricCommands, planHosts, railPrefixes } from '../../../src/lab/hosts/plan.ts';
import { difference, leftoverText } from '../../../src/lab/leftovers/difference.ts';
import { type Item, itemKinds } from '../../../src/lab/leftovers/item.ts';
import { readCounts } from '../../../src/lab/ping.ts';
import { pingMatrix } from '../../../src/lab/print/pings.ts';
import { createStyle } from '../../../src/lab/print/style.ts';
import { table } from '../../../src/lab/print/table.ts';
import { containsAddress, parseInterfaceAddress, parsePrefix } from '../../../src/net/prefix.ts';

describe('hosts', () => {
  test('names, MACs, addresses and ports are all different, and each address is on its rail', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 20 }), (hosts, nics) => {
        const planned = planHosts({ hosts, nics, families: [4, 6] }, '198.18.7');
        const all = planned.flatMap((host) => host.nics);
        for (const values of [
          all.map((nic) => nic.mac),
          all.map((nic) => nic.port),
          all.flatMap((nic) => nic.addresses),
        ]) {
          expect(new Set(values).size).toBe(values.length);
        }
        expect(all.every((nic) => nic.port.length <= 15)).toBe(true);
        for (const nic of all.filter(({ rail }) => rail > 0)) {
          const [four = '', six = ''] = railPrefixes(nic.rail, [4, 6]);
          const [own4 = '', own6 = ''] = nic.addresses;
          expect(containsAddress(parsePrefix(four), parseInterfaceAddress(own4).address)).toBe(true);
          expect(containsAddress(parsePrefix(six), parseInterfaceAddress(own6).address)).toBe(true);
        }
        const cables = fabricCommands(planned, nics, () => 1).filter((line) => line.includes('veth'));
        expect(cables).toHaveLength(hosts * (nics + 1));
      }),
      { numRuns: 30 },
    );
  });

  test.each([
    [0, 4],
    [201, 4],
    [3, -1],
    [3, 1.5],
  ])('refuses %d hosts with %d NICs', (hosts, nics) => {
    expect(() => planHosts({ hosts, nics, families: [4] }, '198.18.7')).toThrow('a lab has');
  });
});

describe('leftovers', () => {
  const item = fc.record({
    kind: fc.constantFrom(...itemKinds),
    place: fc.constantFrom('host1', 'machine'),
    text: fc.constantFrom('a', 'b', 'c'),
  });
  const listing = fc.array(item, { maxLength: 12 });
  const key = ({ kind, place, text }: Item) => `${kind}/${place}/${text}`;

  test('nothing differs from itself, in whatever order', () => {
    fc.assert(fc.property(listing, (items) => difference(items, items.toReversed()).length === 0));
  });

  test('what is put in, and what is taken away, is counted as often as that happens', () => {
    fc.assert(
      fc.property(listing, listing, listing, (common, gone, come) => {
        const left = difference([...common, ...gone], [...come, ...common]);
        const count = (items: readonly Item[], one: Item) => items.filter((other) => key(other) === key(one)).length;
        for (const one of [...gone, ...come]) {
          const change = count(come, one) - count(gone, one);
          const found = left.filter((leftover) => key(leftover) === key(one));
          expect(found).toHaveLength(Math.abs(change));
          expect(found.every((leftover) => leftover.change === (change > 0 ? 'added' : 'missing'))).toBe(true);
        }
      }),
    );
  });

  test('is told by change, place, kind and name', () => {
    expect(leftoverText({ change: 'added', kind: 'link', place: 'host1', text: 'net1' })).toBe(
      'added on host1: link net1',
    );
  });
});

describe('pings', () => {
  test("fping's counts are read, lost ones too, IPv6 too", () => {
    const text = `
192.168.0.2  : xmt/rcv/%loss = 3/3/0%, min/avg/max = 0.02/0.05/0.09
ICMP Host Unreachable from 10.1.1.11 for ICMP Echo sent to 192.168.0.9
192.168.0.9  : xmt/rcv/%loss = 3/0/100%
fd00:1:1::f  : xmt/rcv/%loss = 3/2/33%, min/avg/max = 0.02/0.05/0.09
`;
    expect([...readCounts(text)]).toEqual([
      ['192.168.0.2', { sent: 3, received: 3 }],
      ['192.168.0.9', { sent: 3, received: 0 }],
      ['fd00:1:1::f', { sent: 3, received: 2 }],
    ]);
  });

  test('the matrix sums NICs and shows what is lost', () => {
    const count = (from: string, to: string, received: number) => ({
      from,
      to,
      link: 'net1',
      address: 'x',
      sent: 3,
      received,
    });
    const counts = [count('a', 'b', 3), count('a', 'b', 3), count('b', 'a', 3), count('b', 'a', 2)];
    expect(pingMatrix(counts, createStyle(false, {}))).toEqual([
      'from \\ to  a    b',
      'a          -    6/6',
      'b          5/6  -',
    ]);
  });
});

describe('what is printed', () => {
  test('columns are aligned, colours take no room', () => {
    const style = createStyle(true, {});
    expect(
      table([
        ['a', 'b'],
        [style.good('xx'), 'y'],
      ]).map(stripVTControlCharacters),
    ).toEqual(['a   b', 'xx  y']);
  });

  test.each([
    [false, {}],
    [true, { NO_COLOR: '1' }],
    [true, { TERM: 'dumb' }],
  ])('no colours: terminal %s, %j', (terminal, env) => {
    expect(createStyle(terminal, env).bad('x')).toBe('x');
  });
});
