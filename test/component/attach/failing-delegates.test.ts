import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallLimits } from '../../../src/daemon/attach/limits.ts';
import { type Harness, Refused } from '../../support/attach/client.ts';
import { orphansOf } from '../../support/attach/consistent.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from '../../support/attach/world.ts';

/** In the order of the usual ones, and so small that it takes seconds to see what hangs ended. */
const limits: CallLimits = { addMs: 20_000, delMs: 12_000, undoMs: 10_000, lookMs: 1000 };
const delegateTimeoutMs = 4000;
/** More than enough to answer, on whatever machine; what hangs would take minutes. */
const answeredWithin = 60_000;
const plans = plansText([{ network: 'red', blocks: { eth1: ['10.5.1.64/27'], eth2: ['10.5.2.64/27'] } }]);

let world: World;
/** With short limits, for what hangs. */
let harness: Harness;
/** With the usual ones: where nothing hangs, no time that is over may hide what is said. */
let patient: Harness;
beforeAll(async () => {
  world = createWorld(2);
  harness = await world.start({ plans, limits, delegateTimeoutMs });
  const stateDir = join(world.folder, 'patient');
  mkdirSync(stateDir);
  const own = plansText([{ network: 'red', blocks: { eth1: ['10.5.1.96/27'], eth2: ['10.5.2.96/27'] } }]);
  patient = await world.start({ plans: own, stateDir, socket: join(stateDir, 'cni.sock') });
});
afterAll(async () => world.end());

const whole = 'printf %s "$in" | $REAL';
const onAdd = (script: string) => `in=$(cat); [ "$CNI_COMMAND" = ADD ] && { ${script}; }; ${whole}`;
const onSecond = (script: string) => `in=$(cat); case "$CNI_COMMAND$in" in ADD*eth2*) ${script};; esac; ${whole}`;

/** A call that must fail, with the time it took. */
async function refused(
  verb: 'ADD' | 'DEL',
  container: string,
  netns: string,
  path: readonly string[],
  plugin: Readonly<Record<string, unknown>> = {},
  engine = harness,
) {
  const start = performance.now();
  const call = callOf(verb, { network: 'red', container, netns, path });
  const outcome = await engine.call({ ...call, conf: { ...call.conf, plugin } }).then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof Refused)) throw outcome;
  return { code: outcome.code, message: outcome.message, ms: performance.now() - start };
}

async function untilNothing(pod: string, engine = harness): Promise<void> {
  const left = async () =>
    (await engine.look()).records.some(({ netns }) => netns === pod) || (await world.links(pod)).length > 0;
  for (const end = Date.now() + 60_000; Date.now() < end && (await left()); ) await sleep(50);
  expect(await left()).toBe(false);
}

async function expectNothing(): Promise<void> {
  for (const engine of [harness, patient]) {
    const { counts, pools } = await engine.look();
    expect(counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
    expect(pools.flatMap(({ allocations }) => allocations)).toEqual([]);
  }
  expect(orphansOf(world.folder)).toEqual([]);
}

/** Whose limits a failure that says this is for. */
const engineFor = (message: RegExp): Harness => (message.source.includes('did not end') ? harness : patient);

const held = '(sleep 600 & ) ; printf %s "$in" | $REAL; exit 0';

// Side by side: most of them wait.
test.concurrent.each<[string, string, number, RegExp]>([
  ['prints rubbish', onAdd('echo rubbish; exit 0'), 103, /NIC eth1: macvlan ADD printed no JSON/],
  ['prints nothing', onAdd('exit 0'), 103, /NIC eth1: macvlan ADD ended well but printed nothing/],
  [
    'prints a version of its own',
    onAdd('echo \'{"cniVersion":"9.9.9"}\'; exit 0'),
    6,
    /NIC eth1: macvlan ADD.*9\.9\.9/,
  ],
  ['ends by signal', onSecond('kill -9 $$'), 103, /NIC eth2: macvlan ADD was ended by SIGKILL/],
  ['fails with its own code', onSecond('echo \'{"code":117,"msg":"no luck"}\'; exit 1'), 117, /NIC eth2.*no luck/],
  ['fails and only says so', onSecond('echo oh >&2; exit 3'), 103, /NIC eth2: macvlan ADD failed with status 3: oh/],
  [
    'says success and makes nothing',
    onSecond('echo \'{"cniVersion":"1.0.0"}\'; exit 0'),
    103,
    /NIC eth2: macvlan ADD made no interface net1-1/,
  ],
  ['makes its link and fails', onSecond(`${whole} >/dev/null; exit 7`), 103, /NIC eth2.*status 7/],
  ['writes without end', onAdd('exec yes'), 103, /NIC eth1: macvlan ADD wrote more than 1048576 bytes and was ended/],
  ['hangs', onSecond('sleep 600'), 103, /NIC eth2: macvlan ADD did not end within \d+ ms and was ended/],
  [
    'leaves a child that keeps the pipe',
    onSecond(held),
    103,
    /NIC eth2: macvlan ADD ended, but .* kept its output open/,
  ],
  [
    'leaves a child in a session of its own that keeps the pipe',
    onSecond(held.replace('sleep', 'setsid sleep')),
    103,
    /NIC eth2: macvlan ADD ended, but .* kept its output open/,
  ],
  [
    'hangs out of reach of its group',
    onSecond('setsid sleep 600'),
    103,
    /NIC eth2: macvlan ADD did not end within \d+ ms/,
  ],
  [
    'speaks no version of ours',
    'echo \'{"cniVersion":"9.0.0","supportedVersions":["9.0.0"]}\'',
    1,
    /macvlan speaks CNI 9\.0\.0/,
  ],
])('a delegate that %s: named, in time, and all is as before', async (what, script, code, message) => {
  const pod = world.pod();
  const path = [world.delegate('macvlan', script), pluginDirectory];
  const engine = engineFor(message);
  const failure = await refused('ADD', what.replaceAll(' ', '-'), pod, path, {}, engine);
  expect(failure.message).toMatch(message);
  expect(failure.code).toBe(code);
  expect(failure.ms).toBeLessThan(answeredWithin);
  await untilNothing(pod, engine);
});

const onTuned = (script: string) =>
  `in=$(cat); [ "$CNI_COMMAND $CNI_IFNAME" = "ADD net1-1" ] && { ${script}; }; ${whole}`;

test.concurrent.each<[string, string, number, RegExp]>([
  ['prints rubbish', onTuned('echo rubbish; exit 0'), 103, /NIC eth2: tuning ADD printed no JSON/],
  ['prints nothing', onTuned('exit 0'), 103, /NIC eth2: tuning ADD ended well but printed nothing/],
  [
    'prints a version of its own',
    onTuned('echo \'{"cniVersion":"9.9.9"}\'; exit 0'),
    6,
    /NIC eth2: tuning ADD.*9\.9\.9/,
  ],
  ['ends by signal', onTuned('kill -9 $$'), 103, /NIC eth2: tuning ADD was ended by SIGKILL/],
  [
    'fails with its own code',
    onTuned('echo \'{"code":117,"msg":"no luck"}\'; exit 1'),
    117,
    /NIC eth2: tuning.*no luck/,
  ],
  ['hangs', onTuned('sleep 600'), 103, /NIC eth2: tuning ADD did not end within \d+ ms and was ended/],
  [
    'takes the interface away',
    onTuned(`${whole}; ip -n "\${CNI_NETNS##*/}" link del net1-1; exit 0`),
    103,
    /net1-1 is missing/,
  ],
  ['works and fails', onTuned(`${whole} >/dev/null; exit 7`), 103, /NIC eth2: tuning ADD failed with status 7/],
  [
    'speaks no version of ours',
    'echo \'{"cniVersion":"9.0.0","supportedVersions":["9.0.0"]}\'',
    1,
    /tuning speaks CNI 9\.0\.0/,
  ],
])('a chained plugin that %s: named, in time, and all is as before', async (what, script, code, message) => {
  const pod = world.pod();
  const path = [world.delegate('tuning', script), pluginDirectory];
  const chain = { metaPlugins: [{ type: 'tuning', mtu: 1400 }] };
  const engine = engineFor(message);
  const failure = await refused('ADD', `chained-${what.replaceAll(' ', '-')}`, pod, path, chain, engine);
  expect(failure.message).toMatch(message);
  expect(failure.code).toBe(code);
  expect(failure.ms).toBeLessThan(answeredWithin);
  await untilNothing(pod, engine);
});

test('a delegate that is not there: named with CNI_PATH', async () => {
  const pod = world.pod();
  const failure = await refused('ADD', 'missing', pod, ['/nowhere']);
  expect(failure.message).toContain('the delegate macvlan is in no directory of CNI_PATH (/nowhere)');
  expect(failure.code).toBe(103);
  await untilNothing(pod);
});

test('one that hangs in ADD and again in DEL: answered in time, undone behind it', async () => {
  const pod = world.pod();
  const script = `in=$(cat); [ "$CNI_COMMAND" = VERSION ] && exec $REAL; ${whole} >/dev/null; sleep 600`;
  const failure = await refused('ADD', 'both', pod, [world.delegate('macvlan', script), pluginDirectory]);
  expect(failure.code === 103 || failure.code === 11, failure.message).toBe(true);
  expect(failure.ms).toBeLessThan(answeredWithin);
  await untilNothing(pod);
  await harness.call(callOf('ADD', { network: 'red', container: 'both', netns: pod }));
  await harness.call(callOf('DEL', { network: 'red', container: 'both', netns: pod }));
  await untilNothing(pod);
  await expectNothing();
});

test('a call that waits for another of the same container is answered in time and attaches nothing later', async () => {
  const pod = world.pod();
  const path = [world.delegate('macvlan', onAdd('sleep 600')), pluginDirectory];
  const hanging = refused('ADD', 'queue', pod, path);
  while ((await harness.look()).counts['attachments'] === 0) await sleep(20);
  const add = harness.call(callOf('ADD', { network: 'red', container: 'queue', netns: pod, ifname: 'net7' }));
  const waiting = await Promise.allSettled([add, hanging]);
  expect(waiting.map(({ status }) => status)).toContain('fulfilled');
  await harness.call(callOf('DEL', { network: 'red', container: 'queue', netns: pod, ifname: 'net7' }));
  await untilNothing(pod);
  await expectNothing();
});
