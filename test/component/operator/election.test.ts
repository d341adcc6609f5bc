import { afterEach, beforeEach, expect, it } from 'vitest';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { inNamespace, resources } from '../../../src/kube/calls/resource.ts';
import { monotonicClock } from '../../../src/kube/clock.ts';
import { createElection } from '../../../src/kube/lease/election.ts';
import { createLeadership } from '../../../src/kube/lease/leadership.ts';
import type { Lease } from '../../../src/kube/lease/lease.ts';
import { silent } from '../../../src/kube/logger.ts';
import { createOperatorMetrics } from '../../../src/observe/operator-metrics.ts';
import { createReadiness } from '../../../src/observe/readiness.ts';
import { runOperator } from '../../../src/operator/run.ts';
import { seriesOf, valueOf } from '../../support/metrics.ts';
import { startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const leases = inNamespace(resources.leases, 'default');
const holder = async () => (await world.client.get<Lease>(leases, 'x')).spec?.holderIdentity;

/** No pause of a busy machine costs a candidate its lease; one that fails to renew notices only after 20 s. */
const unhurried = { durationSeconds: 30, renewDeadlineMs: 20_000, retryMs: 100 };

function candidate(identity: string, times = unhurried) {
  const stop = new AbortController();
  const clock = monotonicClock();
  const leadership = createLeadership(clock);
  const client = createClient({
    cluster: { server: world.url, tls: {}, authorization: () => Promise.resolve('Bearer admin-token') },
    userAgent: identity,
    mayWrite: () => leadership.holds(),
  });
  const election = createElection({
    client: world.client,
    namespace: 'default',
    name: 'x',
    identity,
    leadership,
    clock,
    logger: silent,
    signal: stop.signal,
    times,
  });
  let terms = 0;
  let working = false;
  const ended = (async () => {
    while (await election.win()) {
      terms += 1;
      await election.lead(async (signal) => {
        working = true;
        await new Promise<void>((resolve) => {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve());
        });
        working = false;
      });
    }
  })();
  return {
    client,
    leadership,
    get terms() {
      return terms;
    },
    get working() {
      return working;
    },
    stop: async () => {
      stop.abort();
      await ended;
      await client.close();
    },
  };
}

it('one leads; on a clean stop the other takes over at once; one that leads not writes nothing', async () => {
  const a = candidate('a');
  await world.until(() => expect(a.working).toBe(true));
  const b = candidate('b');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(b.working).toBe(false);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'by-b' } };
  await expect(b.client.create(resources.namespaces, namespace)).rejects.toMatchObject({ reason: 'NotLeading' });
  await expect(b.client.delete(resources.namespaces, 'default')).rejects.toMatchObject({ reason: 'NotLeading' });
  await a.stop();
  expect(await holder()).not.toBe('a');
  await world.until(() => expect(b.working).toBe(true));
  await b.client.create(resources.namespaces, namespace);
  await b.stop();
  expect(await holder()).toBe('');
});

it('one that cannot renew stops its work, and leads again when it can', async () => {
  const a = candidate('a', { durationSeconds: 3, renewDeadlineMs: 2_000, retryMs: 100 });
  await world.until(() => expect(a.working).toBe(true));
  world.intercept = ({ resource }) => {
    if (resource.plural === 'leases') throw new Error('on demand');
  };
  await world.until(() => expect(a.working).toBe(false));
  expect(a.leadership.holds()).toBe(false);
  world.intercept = undefined;
  await world.until(() => expect(a.terms).toBeGreaterThan(1));
  await a.stop();
});

it('one whose lease was taken by force stops at its next renewal', async () => {
  const a = candidate('a');
  await world.until(() => expect(a.working).toBe(true));
  await world.client.patch(leases, 'x', 'merge', { spec: { holderIdentity: 'b', leaseDurationSeconds: 60 } });
  await world.until(() => expect(a.working).toBe(false));
  expect(await holder()).toBe('b');
  await a.stop();
  expect(await holder()).toBe('b');
});

/** The client, to whom watches of the resource tell nothing. */
function deafTo(plural: string, client: KubeClient): KubeClient {
  return {
    ...client,
    stream: async (path, query, signal) => {
      if (path.endsWith(`/${plural}`)) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return client.stream(path, query, signal);
    },
  };
}

it('who takes over decides on what the server knows by then, not on copies that are behind', async () => {
  const hosts = startHosts(world);
  const stop = new AbortController();
  const turn = Promise.withResolvers<boolean>();
  const readiness = createReadiness(['lists']);
  const metrics = createOperatorMetrics();
  const leads = async () => valueOf(seriesOf(await metrics.text()), 'multinic_leader');
  let writes = 0;
  const client = deafTo('cidrslices', world.client);
  const second = runOperator({
    client: {
      ...client,
      replace: (...args) => ((writes += 1), client.replace(...args)),
      replaceStatus: (...args) => ((writes += 1), client.replaceStatus(...args)),
      create: (...args) => ((writes += 1), client.create(...args)),
    },
    logger: silent,
    signal: stop.signal,
    election: { win: () => turn.promise, lead: (work) => work(stop.signal) },
    readiness,
    metrics,
  });
  world.startOperator();
  await world.apply('net', {
    subnet: '10.0.0.0/16',
    plugin: { cniVersion: '1.0.0', type: 'ipvlan' },
    addressing: { interfaceBlock: 2, hostBlock: 6 },
  });
  await hosts.join('host-a', [1, 2]);
  await hosts.join('host-b', [1]);
  await world.until(async () => expect((await world.condition('net', 'Ready'))?.status).toBe('True'));
  await world.until(async () => expect((await world.host('host-b'))?.status?.networks).toHaveLength(1));
  await world.quiet();
  // One that waits is ready to lead, and tells nothing that the leader tells too.
  await world.until(() => expect(readiness.reason()).toBeUndefined());
  expect(await leads()).toBe(0);
  await world.stopOperator();
  turn.resolve(true);
  await world.quiet();
  expect(await leads()).toBe(1);
  stop.abort();
  await second;
  await hosts.stop();
  expect(writes).toBe(0);
});
