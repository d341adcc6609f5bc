import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Nic } from '../../../src/api/host.ts';
import type { Link, SavedAddress, SavedLink } from '../../../src/kernel/types.ts';
import { findLent, withLent } from '../../../src/nic/lent.ts';
import { renaming, restoring, unlike } from '../../../src/nic/restore.ts';
import { linkOf } from '../../support/links.ts';

const was: SavedLink = {
  index: 7,
  name: 'eth1',
  mac: '02:00:00:00:00:01',
  mtu: 9000,
  up: true,
  carrier: true,
  alias: 'rail',
  altnames: ['enp3s0'],
  addresses: [
    { family: 4, address: '10.1.1.2/24', broadcast: '10.1.1.255', scope: 'global', label: 'eth1', flags: [] },
    {
      family: 6,
      address: 'fd00::2/64',
      scope: 'global',
      flags: ['noprefixroute'],
      validSeconds: 100,
      preferredSeconds: 10,
    },
  ],
  routes: [['10.50.0.0/16', 'via', '10.1.1.1', 'dev', 'eth1', 'table', '254', 'proto', '3']],
};
const texts = (commands: readonly (readonly string[])[]): string[] => commands.map((words) => words.join(' '));

describe('a NIC that comes back', () => {
  test('gets what it lost, addresses with what is left of their time', () => {
    const now: SavedLink = {
      ...was,
      mtu: 1500,
      up: false,
      carrier: false,
      alias: 'x',
      altnames: ['net1-0'],
      addresses: [],
    };
    expect(texts(restoring(was, now, 20))).toEqual([
      'link property del dev eth1 altname net1-0',
      'link property add dev eth1 altname enp3s0',
      'link set dev eth1 alias rail',
      'link set dev eth1 mtu 9000',
      'addr add 10.1.1.2/24 broadcast 10.1.1.255 scope global label eth1 dev eth1',
      'link set dev eth1 up',
      'addr add fd00::2/64 scope global valid_lft 80 preferred_lft 0 dev eth1 noprefixroute nodad',
      'route add 10.50.0.0/16 via 10.1.1.1 dev eth1 table 254 proto 3',
    ]);
    expect(unlike(was, now, 20)).toHaveLength(4);
  });

  test('that was down is down, and one whose MAC was changed goes down for that', () => {
    const down: SavedLink = { ...was, up: false, carrier: false, routes: [] };
    expect(texts(restoring(down, { ...down, up: true }, 0))).toEqual(['link set dev eth1 down']);
    expect(texts(restoring({ ...was, routes: [] }, { ...was, mac: '02:00:00:00:00:99' }, 0))).toEqual([
      'link set dev eth1 down',
      'link set dev eth1 address 02:00:00:00:00:01',
      'link set dev eth1 up',
    ]);
  });

  test('an address whose time is over does not come back, and is not missed', () => {
    const now = { ...was, addresses: was.addresses.slice(0, 1) };
    expect(unlike(was, now, 100)).toEqual([]);
    expect(texts(restoring({ ...was, routes: [] }, now, 100))).toEqual([]);
  });

  test('is renamed first, and only where that is needed', () => {
    expect(texts(renaming('net1', 'eth1'))).toEqual(['link set dev net1 down', 'link set dev net1 name eth1']);
    expect(renaming('eth1', 'eth1')).toEqual([]);
  });

  test('whatever was done to it, no command deletes a link, and none names another one', () => {
    const address: fc.Arbitrary<SavedAddress> = fc
      .integer({ min: 1, max: 250 })
      .map((last) => ({ family: 4, address: `10.1.1.${last}/24`, scope: 'global', flags: [] }));
    const link: fc.Arbitrary<SavedLink> = fc.record({
      index: fc.nat(),
      name: fc.constant('eth1'),
      mac: fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'),
      mtu: fc.integer({ min: 68, max: 9000 }),
      up: fc.boolean(),
      carrier: fc.boolean(),
      altnames: fc.uniqueArray(fc.constantFrom('enp3s0', 'net1-0', 'other')),
      addresses: fc.uniqueArray(address, { selector: (one) => one.address, maxLength: 4 }),
      routes: fc.constant([]),
    });
    fc.assert(
      fc.property(link, link, (before, now) => {
        for (const words of restoring(before, now, 0)) {
          expect(words.slice(0, 2)).not.toEqual(['link', 'del']);
          expect(words).toContain('eth1');
        }
        expect(restoring(before, before, 0)).toEqual([]);
        expect(unlike(before, before, 0)).toEqual([]);
      }),
    );
  });
});

const link = (name: string, mac: string, more: Partial<Link> = {}) => linkOf(name, { index: 40, mac, ...more });
const lent = { name: 'eth1', saved: was };

describe('a lent NIC is found', () => {
  const others = [link('eth0', '02:00:00:00:00:10'), link('lo', '00:00:00:00:00:00')];

  test.each([
    ['by its MAC', link('dev3', was.mac)],
    ['by its hardware’s MAC', link('net1', '02:00:00:00:00:99', { permanentMac: was.mac })],
    ['by the alias that the plugin left', link('net1', '02:00:00:00:00:99', { alias: 'eth1' })],
  ])('%s', (_how, here) => {
    expect(findLent(lent, [...others, here])).toBe(here);
  });

  test('that never left the host by name and index, but not in a pod, where indexes begin anew', () => {
    const here = link('eth1', '02:00:00:00:00:99', { index: 7 });
    expect(findLent(lent, [...others, here], () => undefined)).toBe(here);
    expect(findLent(lent, [...others, here])).toBeUndefined();
  });

  test('not where another kind of link has its MAC: a VLAN or bond on it', () => {
    expect(findLent(lent, [...others, link('eth1.5', was.mac, { kind: 'vlan' })])).toBeUndefined();
  });

  test('on the host by its PCI address: a NIC of the same MAC without one (accelerated networking) is another', () => {
    const onPci = { ...lent, pciAddress: '0000:3b:00.0' };
    const [synthetic, back] = [link('eth0', was.mac), link('enP1', was.mac)];
    const pciOf = (name: string): string | undefined => (name === 'enP1' ? '0000:3b:00.0' : undefined);
    expect(findLent(onPci, [synthetic, back], pciOf)).toBe(back);
    expect(findLent(onPci, [synthetic], pciOf)).toBeUndefined();
    expect(findLent(lent, [back, synthetic], pciOf)).toBe(synthetic);
  });
});

test('the inventory has lent NICs as they were, and nothing else under their name or key', () => {
  const nic = (name: string, key: string): Nic => ({ name, key, mac: key, mtu: 1500, up: true, addresses: [] });
  const [away, stays] = [nic('eth2', 'k2'), nic('eth10', 'k10')];
  const found = [nic('eth1', 'k1'), stays, nic('net1', 'k2')];
  expect(withLent(found, [{ nic: away }, {}]).map(({ name }) => name)).toEqual(['eth1', 'eth2', 'eth10']);
  expect(withLent([nic('eth2', 'new')], [{ nic: away }])).toEqual([away]);
  expect(withLent(found, [])).toBe(found);
});
