import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKeyedMutex } from '../../../src/daemon/attach/locks.ts';
import { type FakeDelegate, fakeDelegate } from '../../conformance/fake-delegate.ts';
import { type OurPlace, startOurs } from '../../conformance/ours.ts';
import { createTrial, type Pod, type Trial } from '../../conformance/trial.ts';
import { createGate, type Gate } from './gate.ts';

/** The real shim, the real daemon with its real store and spool, real namespaces; only the moments are chosen here. */
let root: string;
let place: OurPlace;
let trial: Trial;
let spool: string;
/** The shim of the same source that gives up soon. */
let hasty: string;
/** The same, but ADD waits until delegates run, however slow the machine is. */
let lasting: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'multinic-races-'));
  place = await startOurs('macvlan', root, 1);
  // On the disk of the spool, so that an entry can be moved into it whole.
  const folder = join(place.host.dir, 'var/lib/multinic/races');
  mkdirSync(folder);
  trial = createTrial({ ...place, version: '1.0.0', folder });
  spool = join(place.host.dir, 'var/lib/multinic/spool');
  [hasty, lasting] = [build(folder, 'hasty', 250), build(folder, 'lasting', 6000)];
});
afterAll(async () => {
  await trial.end();
  await place.close();
  rmSync(root, { recursive: true, force: true });
});

function build(folder: string, name: string, addMs: number): string {
  const output = join(folder, name, 'multi-nic');
  const limits = [`ADD_TOTAL_MS=${addMs}`, `ADD_WAIT_MS=${addMs}`, 'DEL_ANSWER_MS=250', 'CONNECT_MS=250'];
  const script = join(import.meta.dirname, '../../../tools/build-shim.sh');
  execFileSync(script, [output, ...limits.map((limit) => `-D${limit}`)], { stdio: 'pipe' });
  return output;
}

/** A delegate whose ADD waits until `go` is called. */
function waitingDelegate(name: string): FakeDelegate & { readonly go: () => void } {
  const held = join(trial.folder, `${name}-is-held`);
  writeFileSync(held, '');
  const script = `if [ "$CNI_COMMAND" = ADD ]; then while [ -e ${held} ]; do sleep 0.1; done; fi`;
  return { ...fakeDelegate(trial, name, script), go: () => rmSync(held) };
}

const socket = (): string => `/proc/${place.host.pid}/root/run/multinic/cni.sock`;
const spooled = (): string[] => readdirSync(spool).filter((name) => name !== 'broken');
const linksOf = async (pod: Pod): Promise<string[]> => (await pod.links()).map(({ name }) => name).sort();
const held = async (pod: Pod): Promise<readonly string[]> => (await place.subject.held(pod.id)) ?? [];

/** Calls of a container that the daemon is done with, however they came to it. */
function handled(pod: Pod): number {
  return readFileSync(join(place.dir, 'daemon.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"container":"${pod.id}"`) && /"msg":"(done|refused)"/.test(line)).length;
}

async function expectLive(pod: Pod, answer: string, why: string): Promise<void> {
  expect(await linksOf(pod), why).toEqual(['net1', 'net1-1']);
  expect(await held(pod), why).toHaveLength(2);
  const check = await trial.call('CHECK', pod, { config: { prevResult: JSON.parse(answer) } });
  expect(check.status, `${why}: ${check.stdout}`).toBe(0);
}

async function expectNothing(pod: Pod, why: string): Promise<void> {
  await expect.poll(() => linksOf(pod), { timeout: 20_000, message: why }).toEqual([]);
  await expect.poll(() => held(pod), { timeout: 20_000, message: why }).toEqual([]);
}

/** What a runtime sent: ADD, DEL, ADD again, of one container and interface. The first three letters are deliveries. */
const deliveries = ['first ADD', 'DEL', 'spooled DEL', 'second ADD'] as const;
type Delivery = (typeof deliveries)[number];

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, index) =>
    permutations([...items.slice(0, index), ...items.slice(index + 1)]).map((rest) => [item, ...rest]),
  );
}

interface Story {
  /** Whether the first ADD was answered before the daemon got slow. */
  readonly answered: boolean;
  /** Whether the runtime still waits for the second ADD when the daemon takes it up. */
  readonly waits: boolean;
  readonly order: readonly Delivery[];
}

const stories: readonly Story[] = [true, false].flatMap((waits) => [
  ...permutations(deliveries).map((order) => ({ answered: false, waits, order })),
  ...permutations(deliveries.slice(1)).map((order) => ({ answered: true, waits, order })),
]);

let gates = 0;
function gate(): Gate {
  gates += 1;
  return createGate(join(trial.folder, `gate-${gates}`), { socket: socket(), spool, asleep });
}

const naps = createKeyedMutex();
/** One after the other, lest the end of one nap wakes it in another's. */
function asleep(work: () => Promise<void>): Promise<void> {
  return naps.run('daemon', async () => {
    await place.process.signal('SIGSTOP');
    try {
      await work();
    } finally {
      await place.process.signal('SIGCONT');
    }
  });
}

/**
 * ADD (answered, or too late), a DEL that came too late and was spooled, ADD again: then the daemon gets all that is on its way
 * in the story's order. Where the second ADD was answered with success its pod is whole; after the runtime's last DEL nothing is left.
 */
async function tell({ answered, waits, order }: Story): Promise<void> {
  const why = `${answered ? 'answered' : 'late'}, ${waits ? 'waiting' : 'gone'}: ${order.join(', ')}`;
  const pod = await trial.pod();
  const [first, del, second] = [gate(), gate(), gate()];
  if (answered) {
    expect((await trial.call('ADD', pod)).status, why).toBe(0);
    // The daemon answers before it says so in its log.
    await expect.poll(() => handled(pod), { message: why }).toBe(1);
  } else expect((await trial.call('ADD', pod, { wrap: first.wrap, program: hasty })).status, why).toBe(1);
  expect((await trial.call('DEL', pod, { wrap: del.wrap, program: hasty })).status, why).toBe(0);
  const program = waits ? place.subject.program : hasty;
  const again = trial.call('ADD', pod, { wrap: second.wrap, program });
  await (waits ? second.arrived : again);
  const gone = [...(answered ? [] : [first]), del, ...(waits ? [] : [second])];
  await Promise.all(gone.map(({ left }) => left));

  for (const delivery of order) {
    const before = handled(pod);
    if (delivery === 'first ADD') await first.deliver();
    else if (delivery === 'DEL') await del.deliver();
    else if (delivery === 'second ADD') await second.deliver();
    else expect(del.replay(), why).toBe(1);
    await expect.poll(() => handled(pod), { timeout: 30_000, message: `${why}: ${delivery}` }).toBeGreaterThan(before);
  }
  const answer = await again;
  if (waits) {
    expect(answer.status, `${why}: ${answer.stdout}`).toBe(0);
    await expectLive(pod, answer.stdout, why);
  } else if (!answered) {
    // Every caller has gone: what was made for them is undone without any DEL.
    await expectNothing(pod, why);
  }
  expect((await trial.call('DEL', pod)).status, why).toBe(0);
  await expectNothing(pod, `${why}, after the last DEL`);
  for (const one of [first, del, second]) one.close();
}

test('60 orders in which late ADDs, late DELs and spooled DELs reach the daemon: a live pod keeps its links, nothing leaks', async () => {
  const waiting = [...stories];
  const teller = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await tell(next);
  };
  await Promise.all(Array.from({ length: 6 }, teller));
  expect(stories).toHaveLength(60);
  expect(spooled()).toEqual([]);
});

test('a daemon that sleeps through ADD and DEL: when it wakes up, the spooled DEL is replayed at once and nothing is left', async () => {
  const daemon = place.process;
  for (const moment of ['before ADD', 'while delegates run', 'between ADD and DEL'] as const) {
    const pod = await trial.pod();
    const slow = waitingDelegate(`slow-${moment.replaceAll(' ', '-')}`);
    if (moment !== 'while delegates run') slow.go();
    if (moment === 'before ADD') await daemon.signal('SIGSTOP');
    const programs = {
      'before ADD': hasty,
      'while delegates run': lasting,
      'between ADD and DEL': place.subject.program,
    };
    const program = programs[moment];
    const add = trial.call('ADD', pod, { program, path: slow.path });
    if (moment === 'while delegates run') {
      await expect.poll(() => slow.calls().length, { timeout: 20_000 }).toBeGreaterThan(0);
      await daemon.signal('SIGSTOP');
      slow.go();
    }
    expect((await add).status, moment).toBe(moment === 'between ADD and DEL' ? 0 : 1);
    if (moment === 'between ADD and DEL') await daemon.signal('SIGSTOP');
    const del = await trial.call('DEL', pod, { program: hasty });
    expect(del, moment).toMatchObject({ status: 0, stderr: expect.stringContaining('DEL kept in') });
    expect(spooled(), moment).toHaveLength(1);
    await daemon.signal('SIGCONT');
    await expect.poll(spooled, { timeout: 20_000, message: moment }).toEqual([]);
    await expectNothing(pod, moment);
  }
});

test('a daemon that was killed: DELs of its absence are replayed before anything else, and take no pod that was added since', async () => {
  const [gone, again, stays] = [await trial.pod(), await trial.pod(), await trial.pod()];
  const answers = new Map<Pod, string>();
  for (const pod of [gone, again, stays]) answers.set(pod, (await trial.call('ADD', pod)).stdout);
  await place.process.signal('SIGKILL');
  for (const pod of [gone, again]) expect((await trial.call('DEL', pod)).status).toBe(0);
  expect(spooled()).toHaveLength(2);
  const waiting = trial.call('ADD', again);
  await place.process.start();
  const answer = await waiting;
  expect(answer.status, answer.stdout).toBe(0);
  expect(spooled()).toEqual([]);
  await expectNothing(gone, 'deleted');
  await expectLive(again, answer.stdout, 'added again');
  await expectLive(stays, answers.get(stays) ?? '', 'never deleted');
});

test('a DEL of an earlier boot, and one from before the ADD, are dropped', async () => {
  const pod = await trial.pod();
  const older = gate();
  expect((await trial.call('DEL', pod, { wrap: older.wrap, program: hasty })).status).toBe(0);
  const answer = (await trial.call('ADD', pod)).stdout;
  const [name = ''] = readdirSync(join(trial.folder, `gate-${gates}`, 'spool'));
  const request = readFileSync(join(trial.folder, `gate-${gates}`, 'spool', name), 'latin1');
  const [, ns = '', boot = ''] = /^(\d{20})-([0-9a-f-]{36})-\d+$/.exec(name) ?? [];
  // The clock of an earlier boot may stand higher.
  const [late, before] = [BigInt(ns) * 2n, '01234567-89ab-4cde-8f01-23456789abcd'];
  const entry = `${String(late).padStart(20, '0')}-${before}-1`;
  writeFileSync(
    join(trial.folder, entry),
    request.replace(`multinic-stamp: ${boot}/${BigInt(ns)}`, `multinic-stamp: ${before}/${late}`),
    'latin1',
  );
  await expect.poll(() => handled(pod)).toBe(1);
  renameSync(join(trial.folder, entry), join(spool, entry));
  expect(older.replay()).toBe(1);
  await expect.poll(spooled, { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => handled(pod)).toBe(3);
  await expectLive(pod, answer, 'dropped');
  older.close();
});

test('a runtime that kills the shim in the middle of ADD and sends no DEL: the attachment is undone', async () => {
  const pod = await trial.pod();
  const slow = waitingDelegate('killed');
  let kill = (): void => undefined;
  const add = trial.call('ADD', pod, {
    path: slow.path,
    started: (end) => {
      kill = end;
    },
  });
  await expect.poll(() => slow.calls().length, { timeout: 20_000 }).toBe(2);
  expect(await held(pod)).toHaveLength(2);
  kill();
  expect((await add).status).toBeUndefined();
  await expectNothing(pod, 'without DEL');
  slow.go();
  await sleep(1000);
  await expectNothing(pod, 'after the delegates would have ended');
});
