import { describe, expect, test } from 'vitest';
import type { Link } from '../../../src/kernel/types.ts';
import { parseInterfaceAddress } from '../../../src/net/prefix.ts';
import { globToRegExp, matchesAny } from '../../../src/nic/glob.ts';
import { deviceFacts, nicOf } from '../../../src/nic/nic.ts';
import { type PoolInput, poolOf } from '../../../src/nic/pool.ts';
import { linkOf } from '../../support/links.ts';

let index = 0;
function link(name: string, more: Partial<Link> = {}): Link {
  return linkOf(name, { index: ++index, ...more });
}

function pool(links: readonly Link[], more: Partial<PoolInput> = {}): Record<string, string> {
  const none = { devices: new Set<string>(), defaultLinks: new Set<string>(), include: [], exclude: [] };
  const { links: chosen, rejected } = poolOf({ links, ...none, ...more });
  return Object.fromEntries([
    ...chosen.map(({ name }) => [name, 'in']),
    ...rejected.map(({ name, reason }) => [name, reason]),
  ]);
}

const noDevice = 'has no device below it and is not included by name';

describe('poolOf', () => {
  test('links with a device, and names that are included', () => {
    const links = [
      link('lo'),
      link('ens1'),
      link('ens2'),
      link('veth1', { kind: 'veth' }),
      link('eth1', { kind: 'veth' }),
    ];
    expect(pool(links, { devices: new Set(['ens1', 'ens2']), include: ['eth[1-9]*'], exclude: ['ens2'] })).toEqual({
      lo: 'loopback',
      ens1: 'in',
      ens2: 'excluded by name',
      veth1: noDevice,
      eth1: 'in',
    });
  });

  test('the default route wins over include, for what lies below it too', () => {
    const bond = link('bond0', { kind: 'bond' });
    const vlan = link('bond0.7', { kind: 'vlan', lowerIndex: bond.index });
    const links = [link('eth0'), link('eth1', { masterIndex: bond.index }), bond, vlan];
    const devices = new Set(['eth0', 'eth1']);
    expect(pool(links, { devices, include: ['*'], defaultLinks: new Set(['bond0.7']) })).toEqual({
      eth0: 'in',
      eth1: 'is a port of bond0',
      bond0: 'carries the default route',
      'bond0.7': 'carries the default route',
    });
  });

  test('the peer of a veth is not below it', () => {
    const peer = link('eth1', { kind: 'veth' });
    const links = [peer, link('eth0', { kind: 'veth', lowerIndex: peer.index })];
    expect(pool(links, { include: ['eth*'], defaultLinks: new Set(['eth0']) })['eth1']).toBe('in');
  });

  test('VLANs and bonds on NICs, not on other things', () => {
    const nic = link('ens1');
    const bond = link('bond0', { kind: 'bond' });
    const empty = link('bond1', { kind: 'bond' });
    const dummy = link('d0', { kind: 'dummy' });
    const links = [
      nic,
      bond,
      empty,
      dummy,
      link('ens2', { masterIndex: bond.index }),
      link('ens1.5', { kind: 'vlan', lowerIndex: nic.index }),
      link('bond0.6', { kind: 'vlan', lowerIndex: bond.index }),
      link('d0.7', { kind: 'vlan', lowerIndex: dummy.index }),
      link('x.8', { kind: 'vlan', lowerIndex: nic.index, lowerElsewhere: true }),
    ];
    expect(pool(links, { devices: new Set(['ens1', 'ens2']) })).toEqual({
      ens1: 'in',
      'ens1.5': 'in',
      ens2: 'is a port of bond0',
      bond0: 'in',
      'bond0.6': 'in',
      bond1: noDevice,
      d0: noDevice,
      'd0.7': noDevice,
      'x.8': noDevice,
    });
  });

  test('bridges, their ports and children of others never, even by name; a vrf does not disqualify', () => {
    const bridge = link('br0', { kind: 'bridge' });
    const vrf = link('red', { kind: 'vrf' });
    const nic = link('ens1', { masterIndex: vrf.index });
    const links = [
      bridge,
      vrf,
      nic,
      link('ens2', { masterIndex: bridge.index }),
      link('mv0', { kind: 'macvlan', lowerIndex: nic.index }),
    ];
    expect(pool(links, { devices: new Set(['ens1', 'ens2']), include: ['*'] })).toEqual({
      br0: 'is a bridge link',
      red: 'is a vrf link',
      ens1: 'in',
      ens2: 'is a port of br0',
      mv0: 'is a macvlan link',
    });
  });

  test('order: numbers by value', () => {
    const names = ['eth10', 'eth2', 'ens1f1', 'ens1f0', 'eth', 'eth02', 'eth2.100', 'eth2.20'];
    const { links } = poolOf({
      links: names.map((name) => link(name)),
      devices: new Set(names),
      defaultLinks: new Set(),
      include: [],
      exclude: [],
    });
    expect(links.map(({ name }) => name)).toEqual([
      'ens1f0',
      'ens1f1',
      'eth',
      'eth02',
      'eth2',
      'eth2.20',
      'eth2.100',
      'eth10',
    ]);
  });
});

describe('glob', () => {
  test.each([
    ['eth[1-9]*', 'eth1', true],
    ['eth[1-9]*', 'eth10', true],
    ['eth[1-9]*', 'eth0', false],
    ['eth[!0]', 'eth1', true],
    ['eth[!0]', 'eth0', false],
    ['eth?', 'eth10', false],
    ['eth0.1', 'eth0x1', false],
    ['eth0.1', 'eth0.1', true],
    ['*', '', true],
    ['e[^]h', 'e^h', true],
    ['a+b', 'aab', false],
    ['a{2}', 'a{2}', true],
    ['[a]]', 'a]', true],
  ])('%j on %j is %j', (glob, name, matches) => {
    expect(matchesAny(name, [glob])).toBe(matches);
  });

  test.each(['eth[', 'eth[9-1]'])('%j is refused by name', (glob) => {
    expect(() => globToRegExp(glob)).toThrow(glob);
  });

  test('no pattern matches nothing', () => {
    expect(matchesAny('eth0', [])).toBe(false);
  });
});

describe('deviceFacts', () => {
  const reader =
    (files: Readonly<Record<string, string>>) =>
    (path: string): string | undefined =>
      files[path];

  test('a PCI device', () => {
    const read = reader({
      'class/net/ens1/device/uevent': 'DRIVER=mlx5_core\nPCI_CLASS=20000\nPCI_ID=15B3:1019\nPCI_SLOT_NAME=0000:18:00.0',
      'class/net/ens1/device/numa_node': '1',
      'class/net/ens1/speed': '100000',
    });
    expect(deviceFacts('ens1', read)).toEqual({
      present: true,
      driver: 'mlx5_core',
      vendor: '15b3',
      product: '1019',
      pciAddress: '0000:18:00.0',
      numaNode: 1,
      speedMbps: 100000,
    });
  });

  test('a virtio device on PCI: address of the PCI device, driver of its own', () => {
    const read = reader({
      'class/net/eth0/device/uevent': 'DRIVER=virtio_net\nMODALIAS=virtio:d00000001v00001AF4',
      'class/net/eth0/device/../uevent': 'DRIVER=virtio-pci\nPCI_ID=1AF4:1041\nPCI_SLOT_NAME=0000:00:03.0',
      'class/net/eth0/device/../numa_node': '-1',
      'class/net/eth0/speed': '-1',
    });
    expect(deviceFacts('eth0', read)).toEqual({
      present: true,
      driver: 'virtio_net',
      vendor: '1af4',
      product: '1041',
      pciAddress: '0000:00:03.0',
    });
  });

  test('a device that is not on PCI, and none', () => {
    expect(deviceFacts('eth0', reader({ 'class/net/eth0/device/uevent': 'DRIVER=hv_netvsc' }))).toEqual({
      present: true,
      driver: 'hv_netvsc',
    });
    expect(deviceFacts('veth0', reader({ 'class/net/veth0/speed': '10000' }))).toEqual({
      present: false,
      speedMbps: 10000,
    });
  });
});

describe('nicOf', () => {
  const address = (text: string, scope = 'global', more = {}): Link['addresses'][number] => ({
    ...parseInterfaceAddress(text),
    scope,
    tentative: false,
    transient: false,
    ...more,
  });

  test('lasting addresses only, IPv4 first, one per family', () => {
    const nic = nicOf(
      link('eth1', {
        addresses: [
          address('fd00::9/64', 'global', { transient: true }),
          address('fd00::1/64'),
          address('fd00:9::1/64'),
          address('fe80::1/64', 'link', { tentative: true }),
          address('fe80::2/64', 'link'),
          address('169.254.1.1/16', 'link'),
          address('10.1.0.7/24'),
          address('10.2.0.7/24'),
        ],
      }),
      { present: false },
    );
    expect(nic.addresses).toEqual([parseInterfaceAddress('10.1.0.7/24'), parseInterfaceAddress('fd00::1/64')]);
    expect(nic.linkLocal).toEqual(parseInterfaceAddress('fe80::2/64').address);
  });

  test('known by PCI address, else by MAC; up only with carrier', () => {
    expect(nicOf(link('a'), { present: true, pciAddress: '0000:18:00.0' })).toMatchObject({
      key: '0000:18:00.0',
      up: true,
    });
    expect(nicOf(link('a', { carrier: false }), { present: false })).toMatchObject({
      key: '02:00:00:00:00:01',
      up: false,
    });
    expect(nicOf(link('a', { up: false }), { present: false }).up).toBe(false);
  });
});
