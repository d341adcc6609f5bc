import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeObject } from '../../../src/api/meta.ts';
import { inNamespace, resources } from '../../../src/kube/calls/resource.ts';
import type { KubeEvent } from '../../../src/kube/events/event.ts';
import { type Recorder, startRecorder } from '../../../src/kube/events/events.ts';
import { silent } from '../../../src/kube/logger.ts';
import { ApiError } from '../../../src/lab/apiserver/api-error.ts';
import { makeCertificates } from '../../../src/lab/apiserver/certificates.ts';
import { fastClock } from '../../support/kube/fast-clock.ts';
import { startClients } from '../../support/operator/clients.ts';
import { type Hosts, startHosts } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';

const certificates = makeCertificates(['127.0.0.1']);
const events = inNamespace(resources.events, 'default');
const good: MultiNicNetworkSpec = {
  subnet: '192.168.0.0/16',
  addressing: { hostBlock: 6, interfaceBlock: 2 },
  plugin: { cniVersion: '1.0.0', type: 'macvlan' },
};

let world: World;
let hosts: Hosts;
beforeEach(async () => {
  world = await startWorld(certificates);
  hosts = startHosts(world);
});
afterEach(async () => {
  await hosts.stop();
  await world.close();
});

/** `type reason ×count` of each event, sorted. */
async function told(): Promise<string[]> {
  const { items } = await world.client.list<KubeEvent>(events);
  return items.map(({ type, reason, count }) => `${type} ${reason} ×${count}`).sort();
}

describe('events of the operator', () => {
  it('tell what happens to a network; kubectl describe shows them; a restart tells nothing again', async () => {
    await hosts.join('host-a', [1, 2]);
    world.startOperator();
    await world.apply('net', { ...good, subnet: '192.168.0.0/28' });
    await world.until(async () => expect(await told()).toEqual(['Warning Invalid ×1']));
    await world.apply('net', good);
    await world.until(async () => expect(await told()).toContain('Normal Ready ×1'));
    await world.quiet();
    const before = await told();

    await world.stopOperator();
    world.startOperator();
    await world.quiet();
    expect(await told()).toEqual(before);

    // The same again is the same event, though another run told it first.
    await world.apply('net', { ...good, subnet: '192.168.0.0/28' });
    await world.until(async () => expect(await told()).toContain('Warning Invalid ×2'));

    const clients = await startClients(world, certificates);
    try {
      const said = await clients.kubectl('describe', 'mnn', 'net');
      expect(said).toMatch(/Events:\n +Type +Reason .*\n/);
      expect(said).toMatch(/Warning +Invalid .*multinic-operator +spec.addressing: interfaceBlock 2 and hostBlock 6/);
      expect(said).toMatch(/Normal +Ready .*multinic-operator +1 host, 2 NIC networks/);
    } finally {
      await clients.close();
    }
  });

  it('that the server refuses hold up nothing', async () => {
    await hosts.join('host-a', [1]);
    world.intercept = ({ resource }, user) => {
      if (user === 'operator' && resource.plural === 'events') throw new ApiError(403, 'Forbidden', 'no events today');
    };
    world.startOperator();
    await world.apply('net', good);
    await world.until(async () => expect(await world.condition('net', 'Ready')).toMatchObject({ status: 'True' }));
    const tries: string[] = [];
    await world.until(() => {
      tries.push(...world.takeWrites().filter((write) => write.includes('events')));
      expect(tries.length).toBeGreaterThan(0);
    });
    expect(tries.length).toBeLessThan(5);
  });
});

describe('recorder', () => {
  const about = (name: string): KubeObject => ({
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name, uid: `uid-of-${name}` },
  });
  const invalid = { type: 'Warning', reason: 'Invalid', message: 'no' } as const;

  async function withRecorder(use: (recorder: Recorder) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    const clock = fastClock(20);
    const common = { client: world.client, component: 'test', instance: 'one', logger: silent };
    const recorder = startRecorder({ ...common, clock, signal: stop.signal });
    await use(recorder);
    stop.abort();
    await recorder.ended;
  }

  it('counts what is said again, and makes anew what the server has forgotten', () =>
    withRecorder(async (recorder) => {
      for (const times of [1, 2, 3]) {
        recorder.record(about('net'), invalid);
        await world.until(async () => expect(await told()).toEqual([`Warning Invalid ×${times}`]));
      }
      const { items } = await world.client.list<KubeEvent>(events);
      await world.client.delete(events, items[0]?.metadata.name ?? '');
      recorder.record(about('net'), invalid);
      await world.until(async () => expect(await told()).toEqual(['Warning Invalid ×1']));
    }));

  it('keeps a bounded number of news while the API server is away, the newest, and writes them when it is back', () =>
    withRecorder(async (recorder) => {
      await world.apiAway();
      for (let index = 0; index < 1_000; index += 1) recorder.record(about(`net-${index}`), invalid);
      recorder.record(about('net-999'), invalid);
      expect(recorder.waiting).toBeLessThanOrEqual(256);
      await world.apiBack();
      await world.until(async () => expect(await told()).toHaveLength(256));
      expect(await told()).toContain('Warning Invalid ×2');
      await world.until(() => expect(recorder.waiting).toBe(0));
    }));
});
