import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { finalizer } from '../../../src/operator/deletion/finalizer.ts';
import { type Hosts, startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

let world: World;
let hosts: Hosts;

beforeEach(async () => {
  world = await startWorld();
  hosts = startHosts(world);
});

afterEach(async () => {
  await hosts.stop();
  await world.close();
});

/** As examples/quickstart has it. */
const quickstart: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  ipam: '{ "type": "multi-nic-ipam", "hostBlock": 6, "interfaceBlock": 2, "vlanMode": "l3" }',
  multiNICIPAM: true,
  plugin: { cniVersion: '0.3.0', type: 'ipvlan', args: { mode: 'l3', mtu: '1400' } },
  attachPolicy: { strategy: 'none' },
};

async function ready(name: string): Promise<void> {
  await world.until(async () => {
    expect(await world.condition(name, 'Ready')).toMatchObject({ status: 'True', reason: 'Ready' });
  });
}

describe('from apply to Ready', () => {
  it('plans, writes the ledger before it publishes, makes NADs, and is Ready when every host serves', async () => {
    await hosts.join('host-a', [1, 2]);
    await hosts.join('host-b', [1, 2]);
    world.startOperator();
    await world.apply('net', quickstart);
    await ready('net');

    const cidr = await world.cidr('net');
    expect(cidr?.spec?.config).toMatchObject({ subnet: '192.168.0.0/16', hostBlock: 6, interfaceBlock: 2 });
    expect(cidr?.spec?.interfaces?.map((rail) => rail.netAddresses)).toEqual([['10.1.1.0/24'], ['10.1.2.0/24']]);
    const slices = await world.slices();
    expect(slices.map((slice) => slice.metadata.name)).toEqual(['net-0']);
    expect(slices[0]?.spec?.hosts?.map((host) => host.hostName)).toEqual(['host-a', 'host-b']);

    const a = (await world.host('host-a'))?.status?.networks?.[0];
    expect(a?.blocks.map((block) => [block.interfaceName, block.podCIDRs])).toEqual([
      ['eth1', ['192.168.0.0/24']],
      ['eth2', ['192.168.64.0/24']],
    ]);

    const nads = await world.nads();
    expect(nads.map((nad) => nad.metadata.namespace ?? '').sort()).toEqual(['default', 'kube-system']);
    const network = await world.network('net');
    expect(network.metadata.finalizers).toEqual([finalizer]);
    for (const nad of nads) {
      expect(nad.metadata.labels).toEqual({ 'multi-nic-cni-generated': 'true' });
      expect(nad.metadata.ownerReferences).toMatchObject([{ kind: 'MultiNicNetwork', uid: network.metadata.uid }]);
    }
    expect(nads[0]?.spec?.config).toBe(
      JSON.stringify({
        cniVersion: '0.3.0',
        name: 'net',
        type: 'multi-nic',
        ipam: { hostBlock: 6, interfaceBlock: 2, type: 'multi-nic-ipam', vlanMode: 'l3' },
        dns: {},
        plugin: { cniVersion: '0.3.0', type: 'ipvlan', mode: 'l3', mtu: 1400 },
        subnet: '192.168.0.0/16',
        masterNets: ['10.1.1.0/24', '10.1.2.0/24'],
        multiNICIPAM: true,
      }),
    );
    expect(network.status).toMatchObject({
      observedGeneration: 1,
      hosts: 2,
      nics: 2,
      attachments: 0,
      configStatus: 'Success',
      routeStatus: 'Success',
      message: '',
      computeResults: [
        { netAddress: '10.1.1.0/24', numOfHosts: 2 },
        { netAddress: '10.1.2.0/24', numOfHosts: 2 },
      ],
      discovery: { existDaemon: 2, infoAvailable: 2, cidrProcessed: 2 },
    });

    const writes = world.takeWrites();
    const first = (text: string): number => writes.findIndex((write) => write.startsWith(text));
    expect(first('create cidrs.')).toBeLessThan(first('create cidrslices.'));
    expect(first('create cidrslices.')).toBeLessThan(first('update hostinterfaces.'));
    expect(writes.filter((write) => write.includes('hostinterfaces')).sort()).toEqual([
      'update hostinterfaces.multinic.fms.io/host-a/status',
      'update hostinterfaces.multinic.fms.io/host-b/status',
    ]);
  });

  it('looked at again, by the same operator or a new one, writes nothing', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', quickstart);
    await ready('net');
    await world.quiet();
    world.takeWrites();
    // A label wakes the operator; nothing follows from it.
    await world.client.patch(resources.multiNicNetworks, 'net', 'merge', { metadata: { labels: { a: 'b' } } });
    await world.quiet();
    expect(world.takeWrites()).toEqual([]);
    await world.stopOperator();
    world.startOperator();
    await world.quiet();
    expect(world.takeWrites()).toEqual([]);
  });

  it('a host that joins changes the slice, its own HostInterface and the counts; nothing else', async () => {
    await hosts.join('host-a', [1, 2]);
    world.startOperator();
    await world.apply('net', quickstart);
    await ready('net');
    await world.quiet();
    world.takeWrites();
    const before = await world.host('host-a');
    await hosts.join('host-b', [1, 2]);
    await world.until(async () => expect((await world.network('net')).status?.hosts).toBe(2));
    await ready('net');
    await world.quiet();
    const writes = world.takeWrites();
    expect([...new Set(writes)].sort()).toEqual([
      'create events/default',
      'update cidrslices.multinic.fms.io/net-0',
      'update hostinterfaces.multinic.fms.io/host-b/status',
      'update multinicnetworks.multinic.fms.io/net/status',
    ]);
    expect(writes.filter((write) => write.includes('cidrslices'))).toHaveLength(1);
    expect((await world.host('host-a'))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  });

  it('hosts that join together share slice writes', async () => {
    world.startOperator();
    await world.apply('net', quickstart);
    await world.until(async () => expect(await world.condition('net', 'Planned')).toMatchObject({ reason: 'NoHosts' }));
    world.takeWrites();
    const started = Date.now();
    for (let i = 0; i < 20; i++) await hosts.join(`host-${i}`, [1]);
    await world.until(async () => expect((await world.network('net')).status?.hosts).toBe(20));
    const seconds = (Date.now() - started) / 1000;
    const slices = world.takeWrites().filter((write) => write.includes('cidrslices'));
    expect(slices.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
    const hostIndexes = (await world.slices()).flatMap((slice) => slice.spec?.hosts ?? []).map((h) => h.hostIndex);
    expect(new Set(hostIndexes).size).toBe(20);
  });

  it('waits for hosts that do not serve yet, by name', async () => {
    await hosts.join('host-a', [1]);
    await hosts.join('host-b', [1]);
    hosts.silence('host-b');
    world.startOperator();
    await world.apply('net', quickstart);
    await world.until(async () => {
      const planned = await world.condition('net', 'Planned');
      expect(planned).toMatchObject({ status: 'False', reason: 'WaitingForHosts' });
      expect(planned?.message).toBe('1 of 2 hosts does not serve its blocks yet: host-b');
    });
    expect(await world.condition('net', 'Ready')).toMatchObject({ status: 'False', reason: 'WaitingForHosts' });
    await hosts.wake('host-b');
    await ready('net');
  });

  it('says when host routes are not as planned', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', quickstart);
    await ready('net');
    const [pool] = await world.pools();
    if (pool === undefined) throw new Error('no pool');
    const outOfSyncSince = '2026-01-01T00:00:00Z';
    hosts.silence('host-a');
    await world.client.replaceStatus(resources.ipPools, {
      ...pool,
      status: { ...pool.status, outOfSyncSince, lastError: 'table 120 is full' },
    });
    await world.until(async () => {
      const routes = await world.condition('net', 'RoutesReady');
      expect(routes).toMatchObject({ status: 'False', reason: 'OutOfSync' });
      expect(routes?.message).toContain('host-a: table 120 is full');
    });
    expect((await world.network('net')).status?.routeStatus).toBe('Failed');
  });
});

describe('namespaces', () => {
  it('an empty list means all Active ones, those that come later too', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', quickstart);
    await ready('net');
    await world.addNamespace('later');
    await world.until(async () => expect((await world.nads()).map((nad) => nad.metadata.namespace)).toContain('later'));
    await world.until(async () =>
      expect(await world.condition('net', 'NetworksReady')).toMatchObject({
        status: 'True',
        message: 'in 3 namespaces',
      }),
    );
  });

  it('a list is followed: added ones get the NAD, removed ones lose it, missing ones are named', async () => {
    await hosts.join('host-a', [1]);
    await world.addNamespace('one');
    await world.addNamespace('two');
    world.startOperator();
    const where = async (): Promise<string[]> => (await world.nads()).map((nad) => nad.metadata.namespace ?? '').sort();
    await world.apply('net', { ...quickstart, namespaces: ['one', 'three'] });
    await ready('net');
    expect(await where()).toEqual(['one']);
    expect((await world.condition('net', 'NetworksReady'))?.message).toBe('in 1 namespace; not there (yet): three');
    await world.apply('net', { ...quickstart, namespaces: ['two', 'three'] });
    await world.until(async () => expect(await where()).toEqual(['two']));
    await world.addNamespace('three');
    await world.until(async () => expect(await where()).toEqual(['three', 'two']));
  });

  it('never overwrites or deletes a NAD that somebody else made', async () => {
    const foreign = {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'net', namespace: 'default' },
      spec: { config: '{"type":"bridge"}' },
    };
    const ref = { ...resources.networkAttachmentDefinitions, namespace: 'default' };
    await world.client.create(ref, foreign);
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', quickstart);
    await world.until(async () => {
      const networks = await world.condition('net', 'NetworksReady');
      expect(networks).toMatchObject({ status: 'False', reason: 'ForeignNAD' });
      expect(networks?.message).toContain('default');
    });
    const of = async (namespace: string) => (await world.nads()).find((nad) => nad.metadata.namespace === namespace);
    // The other namespace is served all the same.
    expect((await of('kube-system'))?.metadata.labels).toEqual({ 'multi-nic-cni-generated': 'true' });
    await world.client.delete(resources.multiNicNetworks, 'net');
    await world.until(async () => expect((await world.nads()).length).toBe(1));
    expect((await of('default'))?.spec?.config).toBe('{"type":"bridge"}');
  });

  it('puts back what a person changed or deleted, and keeps what he added', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', { ...quickstart, namespaces: ['default'] });
    await ready('net');
    const ref = { ...resources.networkAttachmentDefinitions, namespace: 'default' };
    await world.client.patch(ref, 'net', 'merge', {
      metadata: { annotations: { team: 'a' }, labels: { team: 'a' } },
      spec: { config: '{}' },
    });
    await world.until(async () => expect((await world.nads())[0]?.spec?.config).toContain('"multi-nic"'));
    const [nad] = await world.nads();
    expect(nad?.metadata.annotations).toEqual({ team: 'a' });
    expect(nad?.metadata.labels).toEqual({ team: 'a', 'multi-nic-cni-generated': 'true' });
    await world.client.delete(ref, 'net');
    await world.until(async () => expect(await world.nads()).toHaveLength(1));
  });
});
