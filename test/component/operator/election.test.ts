import { afterEach, beforeEach, expect, it } from 'vitest';
import { monotonicClock } from '../../../src/kube/clock.ts';
import { createElection } from '../../../src/kube/election.ts';
import { createLeadership, leadingClient } from '../../../src/kube/leadership.ts';
import type { Lease } from '../../../src/kube/lease.ts';
import { silent } from '../../../src/kube/logger.ts';
import { inNamespace, resources } from '../../../src/kube/resource.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

let world: World;
beforeEach(async () => {
  world = await startWorld();
});
afterEach(() => world.close());

const leases = inNamespace(resources.leases, 'default');
const holder = async () => (await world.client.get<Lease>(leases, 'x')).spec?.holderIdentity;

function candidate(identity: string) {
  const stop = new AbortController();
  const clock = monotonicClock();
  const leadership = createLeadership(clock);
  const election = createElection({
    client: world.client,
    namespace: 'default',
    name: 'x',
    identity,
    leadership,
    clock,
    logger: silent,
    signal: stop.signal,
    times: { durationSeconds: 3, renewDeadlineMs: 2_000, retryMs: 100 },
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
    client: leadingClient(world.client, leadership),
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
  const a = candidate('a');
  await world.until(() => expect(a.working).toBe(true));
  world.intercept = ({ resource }) => {
    if (resource.plural === 'leases') throw new Error('on demand');
  };
  await world.until(() => expect(a.working).toBe(false));
  expect(a.leadership.holds()).toBe(false);
  world.intercept = undefined;
  await world.until(() => expect(a.terms).toBe(2));
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
