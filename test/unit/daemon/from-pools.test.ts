import { expect, test } from 'vitest';
import type { IPPool } from '../../../src/api/kinds/ippool.ts';
import type { Delegation } from '../../../src/api/network.ts';
import { recordsFromPools } from '../../../src/daemon/recovery/from-pools.ts';

function pool(
  network: string,
  nic: string,
  interfaceIndex: number,
  addresses: readonly string[],
  ifname = 'net1',
): IPPool {
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'IPPool',
    metadata: { name: `${network}-${nic}-${addresses[0]}` },
    spec: {
      netAttachDef: network,
      hostName: 'host',
      interfaceName: nic,
      interfaceIndex,
      podCIDR: '10.5.0.0/28',
      vlanCIDR: '10.5.0.0/24',
      excludes: [],
    },
    status: { allocations: addresses.map((address) => ({ address, containerID: 'c1', ifname })) },
  };
}

const made: Readonly<Record<string, Delegation>> = {
  shared: { pluginType: 'ipvlan', binding: 'master', mode: 'l3' },
  solo: { pluginType: 'macvlan', binding: 'master', mode: 'passthru' },
  lent: { pluginType: 'host-device', binding: 'device' },
  devices: { pluginType: 'sriov', binding: 'deviceID' },
  free: { pluginType: 'bridge', binding: 'none' },
};

test.each([
  ['shared', { kind: 'ipvlan', mode: 'l3', exclusive: false }],
  ['solo', { kind: 'macvlan', mode: 'passthru', exclusive: true }],
  ['lent', { kind: 'host-device', mode: '', exclusive: true }],
  // Which device of the NIC it was stands nowhere.
  ['devices', undefined],
  ['free', undefined],
  ['gone', undefined],
])('a pod of network %s, known from IPPools alone, uses its NICs as the network does', (network, use) => {
  const pools = [
    pool(network, 'eth1', 0, ['10.5.0.3']),
    pool(network, 'eth1', 0, ['fd00:5::3']),
    pool(network, 'eth2', 1, ['10.5.1.3']),
  ];
  const [record, ...more] = recordsFromPools(pools, (name) => made[name], 'boot', 1);
  expect(more).toEqual([]);
  expect(record?.addresses).toHaveLength(3);
  expect(record?.masters).toEqual(use === undefined ? [] : ['eth1', 'eth2'].map((nic) => ({ nic, ...use })));
});

test('who only asked for an address uses no NIC', () => {
  const [record] = recordsFromPools(
    [pool('lent', 'eth1', 0, ['10.5.0.3'], 'ipam:by-hand:net1')],
    (name) => made[name],
    'boot',
    1,
  );
  expect(record).toMatchObject({ addresses: [{ nic: 'eth1' }], masters: [] });
});
