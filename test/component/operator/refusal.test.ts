import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { ApiError } from '../../../src/lab/apiserver/api-error.ts';
import { type Hosts, nic, startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

let world: World;
let hosts: Hosts;

beforeEach(async () => {
  world = await startWorld();
  hosts = startHosts(world);
  await hosts.join('host-a', [1, 2, 3]);
  world.startOperator();
});

afterEach(async () => {
  await hosts.stop();
  await world.close();
});

const good: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  addressing: { hostBlock: 6, interfaceBlock: 2 },
  plugin: { cniVersion: '1.0.0', type: 'ipvlan', args: { mode: 'l2' } },
};

async function becomes(name: string, type: string, status: string, reason: string): Promise<string> {
  let message = '';
  await world.until(async () => {
    const condition = await world.condition(name, type);
    expect(condition).toMatchObject({ status, reason });
    message = condition?.message ?? '';
  });
  return message;
}

/** Another network is planned and served beside it. */
async function blocksNobody(): Promise<void> {
  await world.apply('bystander', { ...good, subnet: '172.20.0.0/16' });
  await becomes('bystander', 'Ready', 'True', 'Ready');
}

describe('a network that cannot be', () => {
  it('whose bits do not fit says so', async () => {
    await world.apply('bad', { ...good, subnet: '192.168.0.0/28' });
    const message = await becomes('bad', 'Ready', 'False', 'Invalid');
    expect(message).toContain('interfaceBlock 2 and hostBlock 6');
    expect((await world.network('bad')).status?.configStatus).toBe('Failed');
    expect(await world.cidr('bad')).toBeUndefined();
    await blocksNobody();
  });

  it('with several mistakes names all of them with their fields', async () => {
    await world.apply('bad', {
      ...good,
      subnet: '192.168.0.1/16',
      plugin: { cniVersion: '9', type: 'bridgge' },
      masterNets: ['10.1.1.0/33'],
    });
    const message = await becomes('bad', 'Accepted', 'False', 'Invalid');
    for (const field of ['spec.subnet', 'spec.plugin.cniVersion', 'spec.plugin.type', 'spec.masterNets[0]']) {
      expect(message).toContain(field);
    }
    await blocksNobody();
  });

  it('overlapping an older network is refused, and planned once that one is gone', async () => {
    await world.apply('older', good);
    await becomes('older', 'Ready', 'True', 'Ready');
    await world.apply('younger', { ...good, subnet: '192.168.128.0/17' });
    const message = await becomes('younger', 'Ready', 'False', 'SubnetOverlap');
    expect(message).toContain('"older"');
    expect((await world.nads()).filter((nad) => nad.metadata.name === 'younger')).toEqual([]);
    await blocksNobody();
    await world.client.delete(resources.multiNicNetworks, 'older');
    await becomes('younger', 'Ready', 'True', 'Ready');
  });

  it('overlapping the network of a host NIC is refused', async () => {
    await world.apply('bad', { ...good, subnet: '10.1.0.0/16' });
    expect(await becomes('bad', 'Ready', 'False', 'OverlapsHostNetwork')).toContain('10.1.1.0/24');
    await blocksNobody();
  });

  it("overlapping the pods of the cluster's Nodes is refused, until those are elsewhere", async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'worker' } };
    const spec = { podCIDRs: ['10.244.3.0/24', 'fd00:44::/64'] };
    await world.client.create<KubeObject>(resources.nodes, { ...node, spec });
    // Its daemon has spoken: nobody waits for it.
    const host = { apiVersion: 'multinic.fms.io/v1', kind: 'HostInterface', metadata: { name: 'worker' } };
    await world.client.create<KubeObject>(resources.hostInterfaces, { ...host, spec: { hostName: 'worker' } });
    await world.apply('bad', { ...good, subnet: '10.244.0.0/16' });
    const message = await becomes('bad', 'Ready', 'False', 'OverlapsClusterNetwork');
    expect(message).toContain('10.244.3.0/24, the pod network of node worker');
    await blocksNobody();
    await world.client.delete(resources.nodes, 'worker');
    await becomes('bad', 'Ready', 'True', 'Ready');
    // Planned, it keeps its place.
    await world.client.create<KubeObject>(resources.nodes, { ...node, spec });
    await world.quiet();
    expect(await world.condition('bad', 'Ready')).toMatchObject({ status: 'True' });
  });

  it('with more NICs than indexes serves those that fit and says which do not', async () => {
    await world.apply('bad', { ...good, addressing: { hostBlock: 6, interfaceBlock: 1 } });
    const message = await becomes('bad', 'Ready', 'False', 'InterfaceIndexesExhausted');
    expect(message).toContain('10.1.3.0/24');
    await world.until(async () => {
      const entry = (await world.host('host-a'))?.status?.networks?.find((one) => one.name === 'bad');
      expect(entry?.blocks).toHaveLength(2);
    });
    await blocksNobody();
  });

  it('with more hosts than indexes serves those that fit and names who got none', async () => {
    for (const name of ['host-b', 'host-c']) await hosts.join(name, [1]);
    await world.apply('bad', { ...good, addressing: { hostBlock: 1, interfaceBlock: 2 } });
    const message = await becomes('bad', 'Ready', 'False', 'HostIndexesExhausted');
    expect(message).toMatch(/\b1 got none: host-c\. Raise hostBlock, /);
    await world.until(async () => expect((await world.host('host-b'))?.status?.networks).toHaveLength(1));
    await blocksNobody();
  });

  it('whose excludes cover the block of a NIC that comes later names host and NIC, and serves the others', async () => {
    const net = {
      ...good,
      masterNets: ['10.1.7.0/24', '10.1.8.0/24'],
      addressing: { hostBlock: 6, interfaceBlock: 2, excludeCIDRs: ['192.168.64.0/24'] },
    };
    await hosts.join('host-b', [7]);
    await world.apply('bad', net);
    await becomes('bad', 'Ready', 'True', 'Ready');
    const interfaces = [nic(7, 2), nic(8, 2)];
    await world.client.patch(resources.hostInterfaces, 'host-b', 'merge', { spec: { interfaces } });
    expect(await becomes('bad', 'Planned', 'False', 'NoUsableAddress')).toBe(
      'host host-b (index 0) has no block on 10.1.8.0/24: excludeCIDRs cover it. Shorten excludeCIDRs',
    );
    expect((await world.host('host-b'))?.status?.networks?.find(({ name }) => name === 'bad')?.blocks).toHaveLength(1);
  });

  it('routed over hosts that have one address names both and the address', async () => {
    await hosts.join('host-b', [], [nic(1, 1)]);
    await world.apply('bad', { ...good, plugin: { ...good.plugin, args: { mode: 'l3' } } });
    const message = await becomes('bad', 'Planned', 'False', 'HostAddressConflict');
    for (const name of ['host-a', 'host-b', '10.1.1.1']) expect(message).toContain(name);
  });

  it("whose NADs the server refuses has the server's words, and is Ready once it takes them", async () => {
    world.intercept = ({ resource, verb }, user) => {
      if (user === 'operator' && resource.plural === 'network-attachment-definitions' && !/get|list|watch/.test(verb)) {
        throw new ApiError(403, 'Forbidden', 'a webhook of the team says no');
      }
    };
    await world.apply('bad', good);
    const message = await becomes('bad', 'NetworksReady', 'False', 'WriteFailed');
    expect(message).toContain('not all NetworkAttachmentDefinitions could be written');
    expect(message).toContain('a webhook of the team says no');
    world.intercept = undefined;
    await becomes('bad', 'Ready', 'True', 'Ready');
  });

  it('without any host with a NIC of it waits for one', async () => {
    await world.apply('empty', { ...good, masterNets: ['10.9.9.0/24'] });
    await becomes('empty', 'Ready', 'False', 'NoHosts');
    await blocksNobody();
    await hosts.join('host-z', [], [nic(9, 9, { netAddresses: ['10.9.9.0/24'], hostIPs: ['10.9.9.9'] })]);
    await becomes('empty', 'Ready', 'True', 'Ready');
  });
});

describe('networks that share a NIC', () => {
  it('must agree on link kind and mode: the younger is refused', async () => {
    await world.apply('older', good);
    await becomes('older', 'Ready', 'True', 'Ready');
    await world.apply('mode', { ...good, subnet: '172.21.0.0/16', plugin: { ...good.plugin, args: { mode: 'l3' } } });
    expect(await becomes('mode', 'Ready', 'False', 'ModeConflict')).toContain('"older"');
    await world.apply('kind', { ...good, subnet: '172.22.0.0/16', plugin: { cniVersion: '1.0.0', type: 'macvlan' } });
    expect(await becomes('kind', 'Ready', 'False', 'LinkKindConflict')).toContain('"older"');
    await blocksNobody();
    expect(await world.condition('older', 'Ready')).toMatchObject({ status: 'True' });
  });

  it('applied together, the older wins, whichever name comes first', async () => {
    await world.stopOperator();
    await world.apply('z-older', good);
    // creationTimestamp counts whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await world.apply('a-younger', { ...good, plugin: { cniVersion: '1.0.0', type: 'macvlan' } });
    world.startOperator();
    await becomes('z-older', 'Ready', 'True', 'Ready');
    await becomes('a-younger', 'Ready', 'False', 'SubnetOverlap');
  });

  it('an older one that is refused for itself does not stand in the way', async () => {
    await world.stopOperator();
    await world.apply('first', { ...good, subnet: '10.1.0.0/16', plugin: { cniVersion: '1.0.0', type: 'macvlan' } });
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await world.apply('second', good);
    world.startOperator();
    await becomes('first', 'Ready', 'False', 'OverlapsHostNetwork');
    await becomes('second', 'Ready', 'True', 'Ready');
  });

  it('accepted stays accepted when a host joins whose network it overlaps', async () => {
    await world.apply('net', good);
    await becomes('net', 'Ready', 'True', 'Ready');
    await hosts.join('host-b', [1], [nic(8, 8, { netAddresses: ['192.168.8.0/24'], hostIPs: ['192.168.8.8'] })]);
    await world.until(async () => expect((await world.network('net')).status?.hosts).toBe(2));
    expect(await world.condition('net', 'Accepted')).toMatchObject({ status: 'True' });
  });
});

describe('a spec that is edited', () => {
  it('into something refused changes nothing that runs; edited back it is Ready again', async () => {
    await world.apply('net', good);
    await becomes('net', 'Ready', 'True', 'Ready');
    await world.quiet();
    const entry = (await world.host('host-a'))?.status?.networks;
    const config = (await world.nads())[0]?.spec?.config;
    await world.apply('net', { ...good, plugin: { ...good.plugin, type: 'bridge' } });
    await becomes('net', 'Accepted', 'False', 'Invalid');
    // Not even a restart takes it down.
    await world.stopOperator();
    world.startOperator();
    await world.quiet();
    expect((await world.host('host-a'))?.status?.networks).toEqual(entry);
    expect((await world.nads()).map((nad) => nad.spec?.config)).toEqual([config, config]);
    await world.apply('net', good);
    await becomes('net', 'Ready', 'True', 'Ready');
  });

  it('so that blocks in use would move is not applied', async () => {
    await world.apply('net', good);
    await becomes('net', 'Ready', 'True', 'Ready');
    await hosts.attach('host-a', 'net', 2);
    await world.until(async () => expect((await world.network('net')).status?.attachments).toBe(2));
    const entry = (await world.host('host-a'))?.status?.networks;
    const config = (await world.nads())[0]?.spec?.config;
    await world.apply('net', { ...good, subnet: '172.30.0.0/16' });
    const message = await becomes('net', 'Ready', 'False', 'WouldRenumber');
    expect(message).toContain('172.30.0.0/16');
    expect((await world.host('host-a'))?.status?.networks).toEqual(entry);
    expect((await world.nads()).map((nad) => nad.spec?.config)).toEqual([config, config]);
  });
});
