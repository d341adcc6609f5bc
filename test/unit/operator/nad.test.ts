import { describe, expect, it } from 'vitest';
import type { MultiNicNetwork, MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import {
  isOurs,
  type Nad,
  nadConfig,
  nadObject,
  namespacesOf,
  resourceAnnotation,
} from '../../../src/operator/nads/nad.ts';
import { nadChange } from '../../../src/operator/nads/nad-change.ts';

function networkOf(spec: MultiNicNetworkSpec): MultiNicNetwork {
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name: 'net-a', uid: 'u1', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec,
  };
}

function configOf(spec: MultiNicNetworkSpec, masterNets: string[] = []): Record<string, unknown> {
  const parsed = parseNetwork(networkOf(spec));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return trusted(JSON.parse(nadConfig(parsed.value, spec, masterNets)));
}

const spec: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  ipam: '{"vlanMode":"l3","type":"multi-nic-ipam","interfaceBlock":2,"hostBlock":8,"daemonPort":11000}',
  plugin: { cniVersion: '0.3.1', type: 'ipvlan', args: { mode: 'l3', mtu: '9000', empty: '' } },
};

describe('NAD config', () => {
  it('has the keys of the predecessor in their order, typed arguments, and no address of a daemon', () => {
    const config = configOf(spec, ['10.0.0.0/16']);
    expect(Object.keys(config)).toEqual([
      'cniVersion',
      'name',
      'type',
      'ipam',
      'dns',
      'plugin',
      'subnet',
      'masterNets',
      'multiNICIPAM',
    ]);
    expect(config).toMatchObject({
      cniVersion: '0.3.1',
      name: 'net-a',
      type: 'multi-nic',
      plugin: { cniVersion: '0.3.1', type: 'ipvlan', mode: 'l3', mtu: 9000 },
      masterNets: ['10.0.0.0/16'],
    });
    expect(config['plugin']).not.toHaveProperty('empty');
    expect(Object.entries(config['ipam'] ?? {})).toEqual([
      ['hostBlock', 8],
      ['interfaceBlock', 2],
      ['type', 'multi-nic-ipam'],
      ['vlanMode', 'l3'],
    ]);
  });

  it('declares the capabilities of chained plugins beside its own, as Multus sees one plugin alone', () => {
    const metaPlugins = [{ type: 'bandwidth', capabilities: { bandwidth: true, other: false } }, { type: 'tuning' }];
    const capable = { ...spec, plugin: { ...spec.plugin, capabilities: { ips: true }, metaPlugins } };
    expect(configOf(capable, [])['capabilities']).toEqual({ ips: true, bandwidth: true });
  });

  it('of sriov has the keys of sriov-cni alone, and the resources; of mellanox host-device', () => {
    const sriov = {
      ...spec,
      ipam: '{"type":"multi-nic-ipam"}',
      plugin: {
        cniVersion: '1.0.0',
        type: 'sriov',
        args: {
          vlan: '999',
          minTxRate: '10',
          trust: 'true',
          numVfs: '8',
          mtu: '9000',
          resourceName: 'neta',
          mine: 'x',
        },
      },
    };
    const parsed = parseNetwork(networkOf(sriov));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    expect(JSON.parse(nadConfig(parsed.value, sriov, [], ['openshift.io/neta']))).toMatchObject({
      plugin: { cniVersion: '1.0.0', type: 'sriov', vlan: 999, min_tx_rate: 10, trust: 'on', mine: 'x' },
      resourceNames: ['openshift.io/neta'],
    });
    const { plugin } = configOf(sriov);
    for (const name of ['numVfs', 'mtu', 'resourceName']) expect(plugin).not.toHaveProperty(name);
    const mellanox = { ...sriov, plugin: { cniVersion: '0.3.1', type: 'mellanox', args: {} } };
    expect(configOf(mellanox)['plugin']).toEqual({ cniVersion: '0.3.1', type: 'host-device' });
  });

  it('carries chained plugins as they are, in order', () => {
    const metaPlugins = [{ type: 'tuning', sysctl: { 'net.core.somaxconn': '500' } }, { type: 'sbr' }];
    expect(configOf({ ...spec, plugin: { ...spec.plugin, metaPlugins } })['plugin']).toEqual({
      cniVersion: '0.3.1',
      type: 'ipvlan',
      mode: 'l3',
      mtu: 9000,
      metaPlugins,
    });
  });

  it('says the effective mode, however it was given', () => {
    const { args: _, ...plugin } = spec.plugin;
    expect(configOf({ ...spec, plugin })['plugin']).toMatchObject({ mode: 'l3' });
    const macvlan = { cniVersion: '1.0.0', type: 'macvlan' };
    const ipam = '{"type":"multi-nic-ipam","interfaceBlock":2,"hostBlock":8}';
    expect(configOf({ ...spec, ipam, plugin: macvlan })['plugin']).toMatchObject({ type: 'macvlan', mode: 'bridge' });
  });

  it('says typed addressing in the terms of ipam, and both subnets of a dual-stack network', () => {
    const config = configOf({
      subnets: ['192.168.0.0/16', 'fd00:a::/48'],
      addressing: {
        hostBlock: 6,
        interfaceBlock: 2,
        excludeCIDRs: ['192.168.0.8'],
        routes: [{ dst: '10.9.0.0/16', gw: '192.168.0.1' }],
      },
      plugin: { cniVersion: '1.0.0', type: 'macvlan' },
    });
    expect(config).toMatchObject({ subnet: '192.168.0.0/16', subnets: ['192.168.0.0/16', 'fd00:a::/48'] });
    expect(config['ipam']).toEqual({
      type: 'multi-nic-ipam',
      hostBlock: 6,
      interfaceBlock: 2,
      excludeCIDRs: ['192.168.0.8/32'],
      routes: [{ dst: '10.9.0.0/16', gw: '192.168.0.1' }],
    });
  });
});

describe('a NAD in a namespace', () => {
  const owner = networkOf(spec);
  const wanted = nadObject(owner, 'prod', '{"a":1}');
  const stored: Nad = { ...wanted, metadata: { ...wanted.metadata, uid: 'n1', resourceVersion: '5' } };

  it('is not written when it says what it shall', () => {
    expect(nadChange(stored, wanted)).toBeUndefined();
  });

  it('stays unwritten when others add labels, annotations and owners', () => {
    const { ownerReferences = [] } = stored.metadata;
    const theirs: Nad = {
      ...stored,
      metadata: {
        ...stored.metadata,
        labels: { ...stored.metadata.labels, team: 'a' },
        annotations: { note: 'b', [resourceAnnotation]: 'example.com/theirs' },
        ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c1' }, ...ownerReferences],
      },
    };
    expect(nadChange(theirs, wanted)).toBeUndefined();
  });

  it('is applied when a field of ours was edited', () => {
    const edits: Nad[] = [
      { ...stored, spec: { config: '{"a":2}' } },
      { ...stored, metadata: { ...stored.metadata, labels: {} } },
      { ...stored, metadata: { ...stored.metadata, ownerReferences: [] } },
    ];
    for (const edited of edits) expect(nadChange(edited, wanted)).toEqual({ apply: wanted });
    const named = nadObject(owner, 'prod', '{"a":1}', 'example.com/vf');
    expect(nadChange(stored, named)).toEqual({ apply: named });
  });

  it('loses the owner of a network that had the name before, and the resource of devices that it takes no more', () => {
    const before: Nad = {
      ...stored,
      metadata: {
        ...stored.metadata,
        annotations: { [resourceAnnotation]: 'openshift.io/a' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c1' },
          { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', name: 'net-a', uid: 'old' },
        ],
      },
      spec: { config: '{"plugin":{"type":"sriov"}}' },
    };
    expect(nadChange(before, wanted)).toEqual({
      release: {
        metadata: {
          ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'c1' }],
          annotations: { [resourceAnnotation]: null },
        },
      },
      apply: wanted,
    });
  });

  it('is ours by label or by owner, else somebody else’s', () => {
    const bare: Nad = { ...wanted, metadata: { name: 'net-a', namespace: 'prod' } };
    expect(isOurs(wanted)).toBe(true);
    expect(isOurs(bare)).toBe(false);
    expect(isOurs({ ...bare, metadata: { ...bare.metadata, labels: { 'multi-nic-cni-generated': 'false' } } })).toBe(
      false,
    );
    const { ownerReferences = [] } = wanted.metadata;
    expect(isOurs({ ...bare, metadata: { ...bare.metadata, ownerReferences } })).toBe(true);
    expect(isOurs({ ...bare, metadata: { ...bare.metadata, name: 'other', ownerReferences } })).toBe(false);
  });

  it('belongs into the listed Active namespaces, or into all', () => {
    const active = new Set(['b', 'a']);
    expect(namespacesOf({ namespaces: [] }, active)).toEqual(['a', 'b']);
    expect(namespacesOf({ namespaces: ['c', 'b'] }, active)).toEqual(['b']);
  });
});
