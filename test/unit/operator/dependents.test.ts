import { describe, expect, it, test } from 'vitest';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { mellanoxResources } from '../../../src/operator/dependents/mellanox.ts';
import { dependentChange, isOfNetwork } from '../../../src/operator/dependents/owned.ts';
import { sriovFields, sriovNeeds } from '../../../src/operator/dependents/sriov.ts';

const owner: MultiNicNetwork = {
  apiVersion: 'multinic.fms.io/v1',
  kind: 'MultiNicNetwork',
  metadata: { name: 'net-a.b', uid: 'u1' },
};
const pci = ['0000:5e:00.0', '0000:3b:00.0', '0000:5e:00.0'];
const ownerReferences = [
  {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    name: 'net-a.b',
    uid: 'u1',
    controller: true,
    blockOwnerDeletion: true,
  },
];
const metadata = (name: string) => ({
  name,
  namespace: 'sriov',
  labels: { 'multinic.fms.io/network': 'net-a.b' },
  ownerReferences,
});

describe('sriovNeeds', () => {
  // The predecessor's vector: numVfs 2 and isRdma without a name, and its SriovNetwork of the same resource.
  it('without a name: a policy on the PCI addresses, and a SriovNetwork of its resource', () => {
    const args = { numVfs: '2', isRdma: 'true', priority: '10', mtu: '9000', needVhostNet: 'false', vlan: '' };
    expect(sriovNeeds(owner, args, pci, 'sriov')).toEqual({
      resource: 'openshift.io/netab',
      policy: {
        apiVersion: 'sriovnetwork.openshift.io/v1',
        kind: 'SriovNetworkNodePolicy',
        metadata: metadata('net-a.b'),
        spec: {
          resourceName: 'netab',
          nodeSelector: { 'feature.node.kubernetes.io/network-sriov.capable': 'true' },
          numVfs: 2,
          priority: 10,
          mtu: 9000,
          isRdma: true,
          needVhostNet: false,
          nicSelector: { rootDevices: ['0000:3b:00.0', '0000:5e:00.0'] },
        },
      },
      network: {
        apiVersion: 'sriovnetwork.openshift.io/v1',
        kind: 'SriovNetwork',
        metadata: metadata('net-a.b-net'),
        spec: { resourceName: 'netab' },
      },
    });
    expect(sriovNeeds(owner, {}, pci, 'sriov').policy).toMatchObject({ spec: { numVfs: 1 } });
  });

  it('with a name: no policy, a SriovNetwork of that name with what the user gives', () => {
    const args = {
      resourceName: 'sriovresource',
      vlan: '5',
      vlanQos: '3',
      minTxRate: '1',
      max_tx_rate: '2',
      trust: 'true',
      other: 'x',
    };
    const needs = sriovNeeds(owner, args, pci, 'sriov');
    expect(needs).toMatchObject({ resource: 'openshift.io/sriovresource', policy: 'none' });
    expect(needs.network).toMatchObject({
      spec: { resourceName: 'sriovresource', vlan: 5, vlanQoS: 3, minTxRate: 1, maxTxRate: 2, trust: 'on' },
    });
    expect(needs.network).not.toHaveProperty('spec.other');
  });

  it('with a whole name: nothing, it is of another device plugin', () => {
    expect(sriovNeeds(owner, { resourceName: 'intel.com/neta' }, pci, 'sriov')).toEqual({
      resource: 'intel.com/neta',
      policy: 'none',
      network: 'none',
    });
  });

  it('without a NIC nothing can be said of the policy', () => {
    expect(sriovNeeds(owner, {}, [], 'sriov').policy).toBe('unknown');
  });
});

describe('mellanoxResources', () => {
  const policy = (config: unknown, name = 'nic-cluster-policy'): KubeObject => ({
    apiVersion: 'mellanox.com/v1alpha1',
    kind: 'NicClusterPolicy',
    metadata: { name },
    spec: { sriovDevicePlugin: { config } },
  });
  const list = (...resourceList: object[]) => JSON.stringify({ resourceList });

  test.each<[string, KubeObject[], string[]]>([
    [
      'two of one prefix',
      [
        policy(
          list(
            { resourcePrefix: 'nvidia.com', resourceName: 'host_dev0' },
            { resourcePrefix: 'nvidia.com', resourceName: 'host_dev1' },
          ),
        ),
      ],
      ['nvidia.com/host_dev0', 'nvidia.com/host_dev1'],
    ],
    [
      'mixed prefixes, and the usual one where there is none',
      [
        policy(
          list(
            { resourcePrefix: 'mellanox.com', resourceName: 'test-resource-2' },
            { resourceName: 'hostdev' },
            { resourcePrefix: 'x' },
          ),
        ),
      ],
      ['mellanox.com/test-resource-2', 'nvidia.com/hostdev'],
    ],
    [
      'the first policy by name',
      [policy(list({ resourceName: 'b' }), 'b'), policy(list({ resourceName: 'a' }), 'a')],
      ['nvidia.com/a'],
    ],
  ])('%s', (_, policies, resources) => {
    expect(mellanoxResources(policies)).toEqual({ ok: true, resources });
  });

  test.each<[string, KubeObject[], string]>([
    ['no policy', [], 'there is no NicClusterPolicy'],
    ['no device plugin', [{ ...policy(''), spec: {} }], 'config is missing'],
    ['no JSON', [policy('resourceList')], 'no JSON object with a resourceList'],
    ['a text for a list', [policy('{"resourceList":"all"}')], 'no JSON object with a resourceList'],
    ['an empty list', [policy(list())], 'has no resourceName in its resourceList'],
  ])('%s is told of', (_, policies, text) => {
    const found = mellanoxResources(policies);
    expect(found.ok ? '' : found.message).toContain(text);
  });
});

describe('objects of a network', () => {
  const { network: wanted } = sriovNeeds(owner, { resourceName: 'r', vlan: '5' }, [], 'sriov');
  if (wanted === 'none') throw new Error('no SriovNetwork');
  const existing = (spec: object, more: Partial<KubeObject['metadata']> = {}): KubeObject => ({
    ...wanted,
    metadata: { ...wanted.metadata, ...more },
    spec,
  });

  it('are known by label or owner', () => {
    expect(isOfNetwork(existing({}, { labels: {} }), 'net-a.b')).toBe(true);
    expect(isOfNetwork(existing({}, { ownerReferences: [] }), 'net-a.b')).toBe(true);
    expect(isOfNetwork(existing({}, { labels: {}, ownerReferences: [] }), 'net-a.b')).toBe(false);
    expect(isOfNetwork(existing({}), 'net-b')).toBe(false);
  });

  it('are written when they differ; what others added stays, what is not wanted any more goes', () => {
    expect(dependentChange(existing({ resourceName: 'r', vlan: 5, ipam: '{}' }), wanted, sriovFields)).toBeUndefined();
    expect(dependentChange(existing({ resourceName: 'r', vlan: 6 }), wanted, sriovFields)).toEqual({});
    expect(dependentChange(existing({ resourceName: 'r', vlan: 5 }, { labels: {} }), wanted, sriovFields)).toEqual({});
    expect(dependentChange(existing({ resourceName: 'r', vlan: 5, trust: 'on' }), wanted, sriovFields)).toEqual({
      release: { spec: { trust: null } },
    });
    const before = ownerReferences.map((one) => ({ ...one, uid: 'u0' }));
    expect(
      dependentChange(existing({ resourceName: 'r', vlan: 5 }, { ownerReferences: before }), wanted, sriovFields),
    ).toEqual({
      release: { metadata: { ownerReferences: [] } },
    });
  });
});
