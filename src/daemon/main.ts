import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDelegates, type Delegates } from '../delegates/exec.ts';
import { hostNamespaces } from '../delegates/host-namespaces.ts';
import { ownerMark } from '../delegates/orphans.ts';
import { createIsReference } from '../delegates/reference.ts';
import { createKernel } from '../kernel/ip.ts';
import { aborted, systemClock } from '../kube/clock.ts';
import { createDaemonMetrics } from '../observe/daemon-metrics.ts';
import { serveHealth } from '../observe/health.ts';
import type { Logger } from '../observe/logger.ts';
import { createReadiness } from '../observe/readiness.ts';
import { createLaunch } from '../spawner/spawner.ts';
import type { Launch } from '../spawner/types.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/types.ts';
import type { AttachDeps } from './attach/deps.ts';
import { createAttachEngine } from './attach/engine.ts';
import { startCluster } from './cluster/cluster.ts';
import { createCniHandler } from './cni-handler.ts';
import { createDevicesOf } from './devices/pod-devices.ts';
import { hostFacts } from './host-facts.ts';
import { createHostState } from './host-state.ts';
import { serveSocket } from './http/serve.ts';
import type { DaemonOptions } from './options.ts';
import { replaySpool } from './spool/replay.ts';

/** Built by tools/setup.sh; without it programs are started by Node itself, which takes longer. */
const spawnerFile = fileURLToPath(new URL('../../build/spawner/spawner', import.meta.url));

/** A released address rests at least so long, whatever is free: late packets and neighbour entries of the last holder. */
const restFloorMs = 10_000;

/**
 * Runs the daemon of one host until the signal: store → backward completion and spool → last known plan → NICs and routes →
 * socket → ready; the cluster comes and goes beside it. Stops in reverse; calls in flight finish.
 * @param onStep as of the engine, for tests
 * @throws Error when the store is another process's or newer, or the socket is taken
 */
export async function runDaemon(
  options: DaemonOptions,
  log: Logger,
  signal: AbortSignal,
  onStep?: AttachDeps['onStep'],
): Promise<void> {
  const metrics = createDaemonMetrics();
  const readiness = createReadiness(['recovery', 'nics', 'plan']);
  const opened = openStore({
    path: join(options.stateDir, 'state.sqlite'),
    bootId: createKernel().bootId(),
    now: () => Date.now(),
  });
  const { store } = opened;
  const owner = await ownerOf(store);
  const { launch, close: closeLaunch } = createLaunch(spawnerFile, ownerMark(owner));
  const kernel = createKernel({ launch });
  if (opened.asideFile !== undefined) {
    log.error(
      { aside: opened.asideFile, damage: opened.damage },
      'the store was unreadable: learning from the API what was handed out',
    );
  }
  const state = createHostState(store, log);
  if (state.plans.size > 0) readiness.set('plan', undefined);
  const engine = createAttachEngine({
    store,
    kernel,
    delegates: delegatesOf(options, owner, launch, log),
    ...(options.executor === 'direct' ? { isReference: createIsReference({ launch, ...enteringHost(options) }) } : {}),
    plans: () => state.plans,
    nics: () => state.nics,
    ...(options.podResources === undefined ? {} : { devicesOf: createDevicesOf(options.podResources) }),
    hostName: options.node,
    now: () => Date.now(),
    ready: () => readiness.reason() ?? true,
    log,
    cooldown: { cooldownMs: options.cooldownMs, floorMs: restFloorMs },
    ...(onStep === undefined ? {} : { onStep }),
  });
  const recovery = await engine.recover();
  log.info({ ...recovery, attachments: store.attachments.size }, 'finished what an earlier run left');
  const handler = createCniHandler((call, gone, ms) => engine.handle(call, gone, ms), metrics, log);
  const spoolDir = join(options.stateDir, 'spool');
  const bootId = kernel.bootId();
  const spool = await replaySpool({
    dir: spoolDir,
    bootId,
    handle: (raw) => handler.replay(raw),
    signal,
    log,
  });
  if (opened.state === 'loaded') readiness.set('recovery', undefined);
  else readiness.set('recovery', `the store is ${opened.state}: asking the API what this host has handed out`);

  const clock = systemClock();
  const cluster = await startCluster({ options, kernel, store, state, engine, readiness, metrics, log, signal, clock });
  const socket = await serveSocket(join(options.runDir, 'cni.sock'), {
    cni: (headers, stdin, gone) => handler.request(headers, stdin, gone),
    views: {
      nics: () => state.nics,
      plans: () => [...state.plans.values()],
      notes: () => state.notes,
      attachments: () => engine.listAttachments(),
      routes: () => cluster.routes(),
      store: () => store.counts(),
      ready: () => ({ ready: readiness.reason() === undefined, reason: readiness.reason() ?? '' }),
    },
  });
  metrics.follow(() => hostFacts({ state, store, engine, cluster, readiness, spool, spoolDir, bootId }));
  const health = await serveHealth(options.healthListen, readiness, metrics);
  log.info(
    { node: options.node, socket: socket.path, health: health.at, ready: readiness.reason() ?? true },
    'serving',
  );

  await aborted(signal);
  log.info({ busy: engine.busy() }, 'stopping');
  await socket.close();
  await health.close();
  await spool.closed;
  await cluster.closed;
  closeLaunch();
  store.close();
}

function enteringHost({ hostPid }: DaemonOptions): Partial<ReturnType<typeof hostNamespaces>> {
  return hostPid === undefined ? {} : hostNamespaces(hostPid);
}

/** The mark that tells this host's delegates from all others on the machine lives as long as the store. */
async function ownerOf(store: Store): Promise<string> {
  const known = store.get('owner');
  const owner = known ?? randomUUID();
  if (known === undefined) await store.set('owner', owner);
  return owner;
}

function delegatesOf(options: DaemonOptions, owner: string, launch: Launch, log: Logger): Delegates {
  return createDelegates({
    owner,
    launch,
    ...enteringHost(options),
    timeoutMs: options.delegateTimeoutMs,
    onRemark: (delegate, text) => log.info({ delegate, stderr: text.slice(0, 2000) }, 'a delegate said'),
  });
}
