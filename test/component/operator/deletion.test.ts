import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { isNotFound } from '../../../src/kube/calls/errors.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { forceAnnotation } from '../../../src/operator/deletion/remove.ts';
import { type Hosts, startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

let world: World;
let hosts: Hosts;

const spec: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  addressing: { hostBlock: 6, interfaceBlock: 2 },
  plugin: { cniVersion: '1.0.0', type: 'macvlan' },
};

beforeEach(async () => {
  world = await startWorld();
  hosts = startHosts(world);
  await hosts.join('host-a', [1, 2]);
  await hosts.join('host-b', [1, 2]);
  world.startOperator();
  await world.apply('net', spec);
  await world.until(async () => expect(await world.condition('net', 'Ready')).toMatchObject({ status: 'True' }));
});

afterEach(async () => {
  await hosts.stop();
  await world.close();
});

const remove = (): Promise<boolean> => world.client.delete(resources.multiNicNetworks, 'net');

async function gone(): Promise<void> {
  await world.until(async () => {
    const error = await world.network('net').catch((e: unknown) => e);
    expect(isNotFound(error)).toBe(true);
  });
}

/** No object of the network is left, and no host says a word of it. */
async function nothingLeft(): Promise<void> {
  await world.until(async () => {
    expect(await world.nads()).toEqual([]);
    expect(await world.cidr('net')).toBeUndefined();
    expect(await world.slices()).toEqual([]);
    expect(await world.pools()).toEqual([]);
    for (const name of ['host-a', 'host-b']) {
      const host = await world.host(name);
      expect(host?.spec?.networks ?? []).toEqual([]);
      expect(host?.status?.networks ?? []).toEqual([]);
    }
  });
}

describe('deletion of a network', () => {
  it('with nothing attached goes through and leaves nothing', async () => {
    await world.quiet();
    world.takeWrites();
    await remove();
    await gone();
    const writes = world.takeWrites();
    await nothingLeft();
    // The finalizer goes last: what it guards is deleted by us, not left to the garbage collector.
    const last = writes.findLastIndex((write) => write === 'patch multinicnetworks.multinic.fms.io/net');
    const deleted = writes.slice(0, last).filter((write) => write.startsWith('delete ') && !write.endsWith('404'));
    expect(deleted.sort()).toEqual([
      'delete cidrs.multinic.fms.io/net',
      'delete cidrslices.multinic.fms.io/net-0',
      'delete network-attachment-definitions.k8s.cni.cncf.io/default/net',
      'delete network-attachment-definitions.k8s.cni.cncf.io/kube-system/net',
    ]);
  });

  it('waits for attachments and says how many and where; no new ledger entry, no NAD is lost before', async () => {
    await hosts.attach('host-a', 'net', 3);
    await world.until(async () => expect((await world.network('net')).status?.attachments).toBe(3));
    const before = (await world.host('host-a'))?.status?.networks?.[0];
    await remove();
    await world.until(async () => {
      const ready = await world.condition('net', 'Ready');
      expect(ready).toMatchObject({ status: 'False', reason: 'Draining' });
      expect(ready?.message).toBe('3 attachments still there: host-a (3); delete their pods');
    });
    const draining = (await world.host('host-a'))?.status?.networks?.[0];
    expect(draining).toMatchObject({ draining: true, blocks: before?.blocks });
    expect(draining?.revision.host).toBe((before?.revision.host ?? 0) + 1);
    // The raise stands in the ledger.
    const entries = (await world.slices()).flatMap((slice) => slice.spec?.hosts ?? []);
    expect(entries.find((entry) => entry.hostName === 'host-a')?.revision).toBe(draining?.revision.host);
    await world.quiet();
    expect(await world.nads()).toHaveLength(2);
    expect((await world.host('host-b'))?.status?.networks?.[0]?.draining).toBe(true);
    await hosts.attach('host-a', 'net', 0);
    await gone();
    await nothingLeft();
  });

  it('waits for a daemon that is silent', async () => {
    hosts.silence('host-b');
    await remove();
    await world.until(async () =>
      expect((await world.condition('net', 'Ready'))?.message).toBe(
        'waits for the daemon of host-b to say that it is empty',
      ),
    );
    await world.quiet();
    expect(await world.cidr('net')).toBeDefined();
    await hosts.wake('host-b');
    await gone();
    await nothingLeft();
  });

  it('is not held up by a host whose Node is gone; its pools go with it', async () => {
    await hosts.attach('host-b', 'net', 2);
    hosts.silence('host-b');
    await world.client.delete(resources.nodes, 'host-b');
    await remove();
    await gone();
    await world.until(async () => {
      expect(await world.pools()).toEqual([]);
      expect(await world.host('host-b')).toBeUndefined();
    });
    expect((await world.host('host-a'))?.status?.networks).toEqual([]);
  });

  it('waits for nobody when forced', async () => {
    await hosts.attach('host-a', 'net', 2);
    hosts.silence('host-a');
    await remove();
    await world.until(async () => expect(await world.condition('net', 'Ready')).toMatchObject({ reason: 'Draining' }));
    await world.client.patch(resources.multiNicNetworks, 'net', 'merge', {
      metadata: { annotations: { [forceAnnotation]: 'true' } },
    });
    await gone();
  });

  it('goes on with an operator that is restarted at every step', async () => {
    await hosts.attach('host-a', 'net', 1);
    await remove();
    // Stopped as soon as it has written anything, again and again.
    for (let round = 0; round < 40; round++) {
      world.takeWrites();
      await world.stopOperator();
      if (round === 10) await hosts.attach('host-a', 'net', 0);
      world.startOperator();
      await new Promise((resolve) => setTimeout(resolve, 20 + round * 3));
    }
    await gone();
    await nothingLeft();
  });

  it('a network of the same name made at once starts anew', async () => {
    const before = await world.cidr('net');
    await remove();
    await gone();
    await world.apply('net', spec);
    await world.until(async () => expect(await world.condition('net', 'Ready')).toMatchObject({ status: 'True' }));
    const after = await world.cidr('net');
    expect(after?.spec?.config?.uid).not.toBe(before?.spec?.config?.uid);
  });

  it('a network whose finalizer is taken off by hand is cleaned up all the same', async () => {
    await world.client.patch(resources.multiNicNetworks, 'net', 'merge', { metadata: { finalizers: [] } });
    // The operator puts it back; a person who insists deletes first.
    await world.until(async () => expect((await world.network('net')).metadata.finalizers).toHaveLength(1));
    await world.stopOperator();
    await remove();
    await world.client.patch(resources.multiNicNetworks, 'net', 'merge', { metadata: { finalizers: [] } });
    world.startOperator();
    await gone();
    await nothingLeft();
  });
});
