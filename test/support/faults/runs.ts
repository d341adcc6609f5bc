import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../../../src/api/meta.ts';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import type { ResourceRef } from '../../../src/kube/calls/resource.ts';
import { type Clock, systemClock } from '../../../src/kube/clock.ts';
import { compareVersions } from '../../../src/kube/copy/cache.ts';
import { type Reflector, startReflector } from '../../../src/kube/copy/reflector.ts';
import { silent } from '../../../src/kube/logger.ts';
import { fastClock } from '../kube/fast-clock.ts';
import type { Access } from '../kube-rest.ts';
import { type FaultProxy, type FaultRun, startFaultProxy } from './proxy.ts';
import { type Dice, dice } from './random.ts';

export interface FaultRunsOptions {
  readonly access: Access;
  readonly seeds: readonly number[];
  /** Runs at the same time, over one set of objects. */
  readonly width: number;
  /** How long faults last at least, ms. */
  readonly faultsMs: number;
  /** Also what no server sends: then the copies need their verification, which is set to a few seconds. */
  readonly lies?: boolean;
}

export interface FaultReport {
  readonly runs: number;
  /** The fewest faults that one run has met. */
  readonly fewest: number;
  /** Faults by name. */
  readonly faults: ReadonlyMap<string, number>;
  readonly writes: number;
  /** Seed and what was wrong. */
  readonly problems: readonly string[];
}

const configMaps: ResourceRef = { group: '', version: 'v1', plural: 'configmaps', namespace: 'default' };
/** How much faster than real the reflectors' waits pass. */
const speed = 20;
/** Between two changes, ms. */
const writerRestMs = 30;
/** ms that a copy's call waits for, and a silent watch, at first; and that are waited at the most for the copies to get right. */
const limits = { call: 1_000, silence: 1_500, settle: 300_000 } as const;
/** Real ms after which those limits are twice as long: most waves are over by then on a machine that is not busy. */
const slackMs = 5_000;
/** How the name of the object ends that is there from the beginning to the end of a wave. */
const steady = '-steady';

type Data = KubeObject & { readonly data?: Readonly<Record<string, string>> };
/** Version and content of each object. */
type Content = ReadonlyMap<string, string>;

function connect(server: string, { token, ca }: Access, timeoutMs: number, clock: Clock = systemClock()): KubeClient {
  return createClient({
    cluster: {
      server,
      tls: ca === undefined ? {} : { ca },
      authorization: () => Promise.resolve(token === undefined ? undefined : `Bearer ${token}`),
    },
    userAgent: 'multinic-faults',
    timeoutMs,
    clock,
  });
}

/** Runs every seed: a reflector behind faults while objects change; in the end its copy has to be what the server has. */
export async function faultRuns(options: FaultRunsOptions): Promise<FaultReport> {
  const { access, seeds, width } = options;
  const proxy = await startFaultProxy(access);
  const direct = connect(access.url, access, 30_000);
  const faults = new Map<string, number>();
  const problems: string[] = [];
  let writes = 0;
  let fewest = Number.POSITIVE_INFINITY;
  try {
    for (let at = 0; at < seeds.length; at += width) {
      const wave = seeds.slice(at, at + width);
      const label = `s${wave[0]}-${process.pid}`;
      const outcome = await runWave(options, proxy, direct, wave, label);
      writes += outcome.writes;
      problems.push(...outcome.problems);
      fewest = Math.min(fewest, outcome.fewest);
      for (const [name, count] of outcome.faults) faults.set(name, (faults.get(name) ?? 0) + count);
    }
  } finally {
    await direct.close();
    await proxy.close();
  }
  return { runs: seeds.length, fewest, faults, writes, problems };
}

async function runWave(
  { access, faultsMs, lies = false }: FaultRunsOptions,
  proxy: FaultProxy,
  direct: KubeClient,
  seeds: readonly number[],
  label: string,
): Promise<Omit<FaultReport, 'runs'>> {
  const writer = createWriter(direct, label, dice(seeds[0] ?? 0));
  await writer.begin();
  const watchers = seeds.map((seed) => startWatcher(access, proxy.run(seed, lies), seed, label, lies));
  const end = Date.now() + faultsMs;
  const changeUntil = async (done: () => boolean): Promise<void> => {
    while (!done()) {
      await writer.change();
      // Many copies follow each change: they need the time more than the writer.
      await sleep(writerRestMs);
    }
  };
  await changeUntil(() => Date.now() >= end);
  for (const { run } of watchers) run.calm();
  // Some faults need a change to happen to: those that are owed still get it.
  const last = Date.now() + limits.settle;
  await changeUntil(() => Date.now() >= last || watchers.every(({ run }) => run.owed === undefined));
  // The copies have to be alive, not only right.
  for (let i = 0; i < 5; i++) await writer.change();
  const truth = await contentAt(direct, label);
  const problems = (await Promise.all(watchers.map((watcher) => watcher.settle(truth)))).flat();
  await writer.clean();
  const faults = new Map<string, number>();
  for (const { run } of watchers)
    for (const [name, count] of run.faults) faults.set(name, (faults.get(name) ?? 0) + count);
  const met = watchers.map(({ run }) => [...run.faults.values()].reduce((sum, count) => sum + count, 0));
  return { fewest: Math.min(...met), faults, writes: writer.writes, problems };
}

interface Watcher {
  readonly run: FaultRun;
  /** Waits until the copy is as wanted, and ends it. @returns what is wrong */
  settle(truth: Content): Promise<string[]>;
}

function startWatcher(access: Access, run: FaultRun, seed: number, label: string, lies: boolean): Watcher {
  const stop = new AbortController();
  const client = connect(run.url, access, limits.call, fastClock(1, slackMs));
  const random = dice(seed + 1);
  const problems: string[] = [];
  const reflector = startReflector<string>({
    client,
    ref: configMaps,
    signal: stop.signal,
    logger: { ...silent, error: (fields, message) => problems.push(`${message}: ${JSON.stringify(fields)}`) },
    project: contentOf,
    labelSelector: `faults=${label}`,
    clock: fastClock(speed, slackMs),
    random: () => random.next(),
    idleMs: limits.silence * speed,
    pageSize: 3,
    verifyMs: lies ? 60_000 : Number.POSITIVE_INFINITY,
  });
  const mirror = followChanges(reflector, problems, lies);
  return {
    run,
    settle: async (truth) => {
      const end = Date.now() + limits.settle;
      const right = (): boolean =>
        run.owed === undefined && isDeepStrictEqual(copyOf(reflector), truth) && isDeepStrictEqual(mirror, truth);
      while (!right() && Date.now() < end) await sleep(50);
      if (!right()) {
        const told = `copy: ${differences(copyOf(reflector), truth)}; changes told: ${differences(mirror, truth)}`;
        problems.push(`not as the server after ${limits.settle / 1000} s (owed: ${run.owed}): ${told}`);
      }
      stop.abort();
      await client.close();
      await reflector.ended;
      return problems.map((problem) => `seed ${seed}: ${problem}`);
    },
  };
}

/** What one who only listens to changes believes; each change has to fit what the ones before it said. */
function followChanges(reflector: Reflector<string>, problems: string[], lies: boolean): Content {
  const mirror = new Map<string, string>();
  reflector.onChange(({ key, old, new: now }) => {
    if (mirror.get(key) !== old) problems.push(`${key}: told ${old} as old, which was ${mirror.get(key)}`);
    const [before = '0'] = old?.split(' ') ?? [];
    const [after = '0'] = now?.split(' ') ?? [];
    if (!lies && now !== undefined && compareVersions(after, before) < 0) problems.push(`${key}: back to ${after}`);
    if (now === undefined && key.endsWith(steady)) problems.push(`${key}: told to be gone, which it never was`);
    if (now === undefined) mirror.delete(key);
    else mirror.set(key, now);
  });
  return mirror;
}

function copyOf(reflector: Reflector<string>): Content {
  return new Map(
    reflector
      .keys()
      .toSorted()
      .map((key) => [key, reflector.get(key) ?? '']),
  );
}

/** `key: is … not …` of each that differs, by versions. */
function differences(is: Content, wanted: Content): string {
  const version = (content: string | undefined): string => content?.split(' ', 1)[0] ?? 'none';
  return [...new Set([...is.keys(), ...wanted.keys()])]
    .filter((key) => is.get(key) !== wanted.get(key))
    .map((key) => `${key} is ${version(is.get(key))}, not ${version(wanted.get(key))}`)
    .join(', ');
}

function contentOf(object: Data): string {
  return `${object.metadata.resourceVersion} ${object.data?.['text']}`;
}

async function contentAt(client: KubeClient, label: string): Promise<Content> {
  const { items } = await client.list<Data>(configMaps, { labelSelector: `faults=${label}` });
  return new Map(
    items
      .map((item): [string, string] => [`default/${item.metadata.name}`, contentOf(item)])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Creates, changes, deletes, and moves in and out of the selection, a dozen objects. */
function createWriter(client: KubeClient, label: string, random: Dice) {
  const known = new Set<string>();
  let writes = 0;
  const body = (name: string, selected: boolean): Data => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: { faults: selected ? label : 'out', set: label } },
    data: { text: `${writes} ${'größer ☃ 😀 '.repeat(random.between(0, 40))}` },
  });
  const change = async (): Promise<void> => {
    const name = `${label}-${random.between(0, 11)}`;
    writes += 1;
    if (!known.has(name)) {
      await client.create(configMaps, body(name, random.chance(0.8)));
      known.add(name);
    } else if (random.chance(0.3)) {
      await client.delete(configMaps, name);
      known.delete(name);
    } else await client.replace(configMaps, body(name, random.chance(0.8)));
  };

  return {
    get writes() {
      return writes;
    },
    /** Makes the steady object, and some others. */
    begin: async () => {
      await client.create(configMaps, body(`${label}${steady}`, true));
      known.add(`${label}${steady}`);
      for (let i = 0; i < 8; i++) await change();
    },
    change,
    clean: async () => {
      for (const name of known) await client.delete(configMaps, name);
    },
  };
}
