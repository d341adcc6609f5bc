import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { silent } from '../../../src/kube/logger.ts';
import { errors } from '../../../src/lab/apiserver/api-error.ts';
import type { ObjectRequest } from '../../../src/lab/apiserver/request/request.ts';
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

const spec: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  addressing: { hostBlock: 6, interfaceBlock: 2 },
  plugin: { cniVersion: '1.0.0', type: 'ipvlan', args: { mode: 'l3' } },
};

const ready = (name: string, nodes: number): Promise<void> =>
  world.until(async () => {
    // One read: the next status may count the host and not be Ready yet.
    const { status } = await world.network(name);
    expect(status?.conditions?.find((condition) => condition.type === 'Ready')).toMatchObject({ status: 'True' });
    expect(status?.hosts).toBe(nodes);
  });

/** Every host has another index, the same in ledger, status and claim. */
async function consistent(network: string): Promise<void> {
  const entries = (await world.slices()).flatMap((slice) => slice.spec?.hosts ?? []);
  expect(new Set(entries.map((entry) => entry.hostIndex)).size).toBe(entries.length);
  for (const entry of entries) {
    const host = await world.host(entry.hostName);
    const published = host?.status?.networks?.find((one) => one.name === network);
    expect(published?.hostIndex).toBe(entry.hostIndex);
    expect(host?.spec?.networks?.find((one) => one.name === network)?.hostIndex).toBe(entry.hostIndex);
  }
}

describe('the operator', () => {
  it('started while the API is away, waits for it', async () => {
    await hosts.join('host-a', [1]);
    await world.apply('net', spec);
    await world.apiAway();
    world.startOperator();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await world.apiBack();
    await ready('net', 1);
  });

  it('goes on when the API comes back', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 1);
    await world.apiAway();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await world.apiBack();
    await hosts.join('host-b', [1]);
    await ready('net', 2);
    await consistent('net');
  });

  it('survives refusals of all kinds at any of its writes', async () => {
    const kinds = [
      ({ resource }: ObjectRequest) => errors.conflict(resource, 'x', 'on demand'),
      ({ resource }: ObjectRequest) => errors.notFound(resource, 'x'),
      () => new Error('a bug in the server'),
    ];
    let count = 0;
    let seed = 7;
    world.intercept = (request, user) => {
      if (user !== 'operator' || ['get', 'list', 'watch'].includes(request.verb)) return;
      // No Event can be written at all, which holds up nothing.
      if (request.resource.plural === 'events') throw new Error('unreachable');
      count += 1;
      // Every other write fails, in no rhythm that the operator's own could fall into step with (a linear congruence).
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      if (seed > 2 ** 30) throw kinds[seed % kinds.length]?.(request) ?? new Error('unreachable');
    };
    const errorsLogged: string[] = [];
    world.startOperator({ ...silent, error: (_fields, message) => errorsLogged.push(message) });
    for (let i = 0; i < 5; i++) await hosts.join(`host-${i}`, [1, 2]);
    await world.apply('net', spec);
    await ready('net', 5);
    await consistent('net');
    expect(count).toBeGreaterThan(10);
    // An answer of the API is never a bug of ours.
    expect(errorsLogged).toEqual([]);
  });

  it('of two that run at once (no election yet) none gives an index twice', async () => {
    world.startOperator();
    const other = new AbortController();
    await world.apply('net', spec);
    const { runOperator } = await import('../../../src/operator/run.ts');
    const ended = runOperator({ client: world.client, logger: silent, signal: other.signal });
    for (let i = 0; i < 12; i++) await hosts.join(`host-${i}`, [1, 2]);
    await ready('net', 12);
    other.abort();
    await ended;
    await consistent('net');
  });

  it('killed in the middle of anything ends right', async () => {
    await world.apply('net', spec);
    for (let i = 0; i < 12; i++) {
      world.startOperator();
      await hosts.join(`host-${i}`, [1, 2]);
      // Now and then between ledger and status, now and then before, now and then after.
      await new Promise((resolve) => setTimeout(resolve, 15 + ((i * 17) % 60)));
      await world.stopOperator();
    }
    world.startOperator();
    await ready('net', 12);
    await consistent('net');
    await world.quiet();
    expect((await world.slices()).map((slice) => slice.metadata.name)).toEqual(['net-0']);
  });

  it('puts back a ledger that was deleted, with the indexes that daemons claim', async () => {
    for (const name of ['host-a', 'host-b', 'host-c']) await hosts.join(name, [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 3);
    const before = new Map(
      (await world.slices()).flatMap((s) => s.spec?.hosts ?? []).map((entry) => [entry.hostName, entry.hostIndex]),
    );
    await world.stopOperator();
    await world.client.delete(resources.cidrSlices, 'net-0');
    await world.client.delete(resources.cidrs, 'net');
    world.startOperator();
    await world.until(async () => {
      const entries = (await world.slices()).flatMap((s) => s.spec?.hosts ?? []);
      expect(new Map(entries.map((entry) => [entry.hostName, entry.hostIndex]))).toEqual(before);
    });
    await ready('net', 3);
  });
});

describe('caches that are not in step', () => {
  /** The operator never hears more of that resource than its first list. */
  function deafTo(plural: string): void {
    world.intercept = ({ verb, resource }, user) => {
      if (user === 'operator' && verb === 'watch' && resource.plural === plural) throw new Error('on demand');
    };
  }

  it('a Node that is only missing in the cache is not gone: its host is served, its objects stay', async () => {
    await hosts.join('host-a', [1]);
    deafTo('nodes');
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 1);
    await hosts.join('host-b', [1]);
    await ready('net', 2);
    await world.quiet();
    expect(await world.host('host-b')).toBeDefined();
    await consistent('net');
    expect(world.takeWrites().filter((write) => write.startsWith('delete'))).toEqual([]);
  });

  it('a network that is only missing in the cache keeps its ledger', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('first', { ...spec, subnet: '172.20.0.0/16' });
    await ready('first', 1);
    await world.stopOperator();
    deafTo('multinicnetworks');
    world.startOperator();
    await world.quiet();
    await world.apply('net', spec);
    // As another operator, which knows it, would write it.
    await world.client.create(resources.cidrs, {
      apiVersion: 'multinic.fms.io/v1',
      kind: 'CIDR',
      metadata: { name: 'net' },
      spec: { config: { name: 'net', uid: (await world.network('net')).metadata.uid ?? '' }, revision: 7 },
    });
    await ready('net', 1);
    expect((await world.cidr('net'))?.spec?.revision).toBeGreaterThanOrEqual(7);
  });
});

describe('a HostInterface', () => {
  it('whose daemon still claims its index stays, though its Node is gone and its pools are empty', async () => {
    await hosts.join('host-a', [1]);
    await hosts.join('host-b', [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 2);
    hosts.silence('host-b');
    await world.client.delete(resources.nodes, 'host-b');
    await ready('net', 1);
    await world.quiet();
    expect((await world.host('host-b'))?.status?.networks).toMatchObject([{ name: 'net', draining: true }]);
    // A new operator knows no better.
    await world.stopOperator();
    world.startOperator();
    await world.quiet();
    expect(await world.host('host-b')).toBeDefined();
    // Its daemon comes back without its Node: it stops, says so, and is released.
    await hosts.wake('host-b');
    await world.until(async () => expect(await world.host('host-b')).toBeUndefined());
  });

  it('whose NICs went while no operator ran loses its entry', async () => {
    await hosts.join('host-a', [1]);
    await hosts.join('host-b', [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 2);
    await world.stopOperator();
    hosts.silence('host-b');
    await world.client.patch(resources.hostInterfaces, 'host-b', 'merge', { spec: { interfaces: [] } });
    world.startOperator();
    await world.until(async () => expect((await world.host('host-b'))?.status?.networks).toEqual([]));
  });

  it('outlives its Node while an index is held, and goes when nothing is', async () => {
    await hosts.join('host-a', [1]);
    await hosts.join('host-b', [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 2);
    await hosts.attach('host-b', 'net', 1);
    await world.until(async () => expect((await world.network('net')).status?.attachments).toBe(1));
    await world.client.delete(resources.nodes, 'host-b');
    await ready('net', 1);
    await world.quiet();
    expect(await world.host('host-b')).toBeDefined();
    await hosts.attach('host-b', 'net', 0);
    await world.until(async () => {
      expect(await world.host('host-b')).toBeUndefined();
      expect((await world.pools()).map((pool) => pool.spec?.hostName)).toEqual(['host-a']);
    });
    const [slice] = await world.slices();
    expect(slice?.spec?.hosts?.map((host) => host.hostName)).toEqual(['host-a']);
    expect(slice?.spec?.released).toMatchObject([{ hostName: 'host-b' }]);
  });

  it('that a person owns stays without its Node', async () => {
    await hosts.join('host-a', []);
    await world.client.patch(resources.hostInterfaces, 'host-a', 'merge', {
      metadata: { labels: { 'multi-nic-unmanaged': 'true' } },
    });
    await hosts.join('host-b', []);
    world.startOperator();
    await world.quiet();
    await world.client.delete(resources.nodes, 'host-a');
    await world.client.delete(resources.nodes, 'host-b');
    await world.until(async () => expect(await world.host('host-b')).toBeUndefined());
    expect(await world.host('host-a')).toBeDefined();
  });

  it('deleted and made again gets its blocks back', async () => {
    await hosts.join('host-a', [1]);
    world.startOperator();
    await world.apply('net', spec);
    await ready('net', 1);
    const host = await world.host('host-a');
    const networks = host?.status?.networks;
    await world.client.delete(resources.hostInterfaces, 'host-a');
    await world.client.create(resources.hostInterfaces, {
      apiVersion: 'multinic.fms.io/v1',
      kind: 'HostInterface',
      metadata: { name: 'host-a' },
      spec: { hostName: 'host-a', interfaces: host?.spec?.interfaces ?? [] },
    });
    await world.until(async () => {
      const [entry] = (await world.host('host-a'))?.status?.networks ?? [];
      expect(entry?.blocks).toEqual(networks?.[0]?.blocks);
    });
  });
});
