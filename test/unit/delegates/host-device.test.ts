import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { strays } from '../../../src/daemon/attach/look/strays.ts';
import { isNamed, keysFor, namedNics } from '../../../src/delegates/host-device.ts';
import { isMoved } from '../../../src/delegates/moved.ts';
import { bareLinks } from '../../../src/delegates/parallel.ts';
import { planCalls } from '../../../src/delegates/plan.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import type { Link } from '../../../src/kernel/types.ts';
import { nic } from '../../support/networks.ts';
import { recordOf } from '../../support/store/records.ts';

const eth1 = nic('eth1', [], { pciAddress: '0000:3b:00.0', mac: '02:00:00:00:00:0a' });

describe('which NICs a network lends', () => {
  test.each([
    ['device', 'eth7, eth1'],
    ['pciBusID', '0000:3B:00.0'],
    ['hwaddr', '02:00:00:00:00:0A'],
    ['kernelpath', '/sys/devices/pci0000:3a/0000:3b:00.0'],
    ['kernelpath', '/sys/devices/virtual/net/eth1'],
  ])('named by %s', (way, text) => {
    const named = namedNics({ type: 'host-device', [way]: text }, 'net');
    if (named === undefined) throw new Error('nothing was read');
    expect(isNamed(named, eth1)).toBe(true);
    expect(isNamed(named, nic('eth2', [], { mac: '02:00:00:00:00:0b' }))).toBe(false);
    expect(keysFor(named, eth1)).toEqual({ [way]: text.split(', ').at(-1) });
  });

  test('all of the pool where none is named; not in two ways', () => {
    expect(namedNics({ type: 'host-device', device: '' }, 'net')).toBeUndefined();
    expect(keysFor(undefined, eth1)).toEqual({ device: 'eth1' });
    expect(() => namedNics({ device: 'eth1', hwaddr: eth1.mac }, 'net')).toThrow('plugin has device and hwaddr');
  });

  test('the plugin is told one NIC, never the list', () => {
    const plugin = { type: 'host-device', device: 'eth1,eth2', dpdkMode: true };
    const nics = ['eth1', 'eth2'].map((name, index) => ({ nic: name, ifname: `net${index + 1}`, addresses: [] }));
    const input = { network: 'net', cniVersion: '1.0.0', pluginType: 'host-device', binding: 'device' } as const;
    expect(planCalls({ ...input, plugin, nics }).map(({ config }) => config)).toEqual(
      ['eth1', 'eth2'].map((device) => ({
        dpdkMode: true,
        cniVersion: '1.0.0',
        name: 'net',
        type: 'host-device',
        device,
        ipam: { type: 'static', addresses: [] },
      })),
    );
  });
});

test('whatever a lent NIC looks like in the pod, it is not among the links that are deleted', () => {
  const call: fc.Arbitrary<DelegateCall> = fc.record(
    {
      nic: fc.constantFrom('eth1', 'eth2'),
      ifname: fc.constantFrom('net1', 'net1-1'),
      plugin: fc.constantFrom('host-device', 'sriov', 'macvlan', 'ipvlan'),
      device: fc.constantFrom('0000:3b:00.0', 'mlx5_core.sf.2'),
      config: fc.constant({ ipam: { type: 'static', addresses: [] } }),
    },
    { requiredKeys: ['nic', 'ifname', 'plugin', 'config'] },
  );
  const link: fc.Arbitrary<Link> = fc.record(
    {
      index: fc.nat(),
      name: fc.constantFrom('net1', 'net1-1', 'eth1', 'veth0a1b2c3d'),
      altnames: fc.constant([]),
      mac: fc.constantFrom('02:00:00:00:00:01', '02:00:00:00:00:02'),
      mtu: fc.constant(1500),
      up: fc.boolean(),
      carrier: fc.boolean(),
      lowerElsewhere: fc.boolean(),
      addresses: fc.constant([]),
      kind: fc.constantFrom('veth', 'dummy', 'vlan', 'bond'),
    },
    { requiredKeys: ['index', 'name', 'altnames', 'mac', 'mtu', 'up', 'carrier', 'lowerElsewhere', 'addresses'] },
  );
  let found = 0;
  const calls = fc.uniqueArray(call, { selector: ({ ifname }) => ifname, minLength: 1 });
  fc.assert(
    fc.property(calls, fc.array(link), (made, links) => {
      const deleted = bareLinks(made, links);
      found += deleted.length;
      const lent = made.filter(isMoved).map(({ ifname }) => ifname);
      expect(deleted.filter((name) => lent.includes(name))).toEqual([]);
      // Links under a passing name are deleted where they are of a kind that a plugin makes: no NIC of the pool is.
      expect(strays({ ...recordOf('a', []), calls: made }, links)).toEqual([]);
    }),
  );
  expect(found).toBeGreaterThan(0);
});
