import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createDelegates, type Delegates } from '../delegates/exec.ts';
import { createIsReference } from '../delegates/reference.ts';
import { createKernel } from '../kernel/ip.ts';
import { aborted, systemClock } from '../kube/clock.ts';
import type { Logger } from '../observe/logger.ts';
import { createDaemonMetrics } from '../observe/metrics.ts';
import { createReadiness } from '../observe/readiness.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/types.ts';
import { createAttachEngine } from './attach/engine.ts';
import { startCluster } from './cluster/cluster.ts';
import { createCniHandler } from './cni-handler.ts';
import { createHostState } from './host-state.ts';
import { serveHealth, serveSocket } from './http/serve.ts';
import type { DaemonOptions } from './options.ts';
import { replaySpool } from './spool/replay.ts';

/** A released address rests at least so long, whatever is free: late packets and neighbour entries of the last holder. */
const restFloorMs = 10_000;

/**
 * Runs the daemon of one host until the signal: store → backward completion and spool → last known plan → NICs and routes →
 * socket → ready; the cluster comes and goes beside it. Stops in reverse; calls in flight finish.
 * @throws Error when the store is another process's or newer, or the socket is taken
 */
export async function runDaemon(options: DaemonOptions, log: Logger, signal: AbortSignal): Promise<void> {
  const kernel = createKernel();
  const metrics = createDaemonMetrics();
  const readiness = createReadiness(['recovery', 'nics', 'plan']);
  const opened = openStore({
    path: join(options.stateDir, 'state.sqlite'),
    bootId: kernel.bootId(),
    now: () => Date.now(),
  });
  const { store } = opened;
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
    delegates: await delegatesOf(options, store, log),
    ...(options.executor === 'direct' ? { isReference: createIsReference() } : {}),
    plans: () => state.plans,
    nics: () => state.nics,
    hostName: options.node,
    now: () => Date.now(),
    ready: () => readiness.reason() ?? true,
    log,
    cooldown: { cooldownMs: options.cooldownMs, floorMs: restFloorMs },
  });
  const recovery = await engine.recover();
  log.info({ ...recovery, attachments: store.attachments.size }, 'finished what an earlier run left');
  const handler = createCniHandler((call, gone, ms) => engine.handle(call, gone, ms), metrics, log);
  const spool = await replaySpool({
    dir: join(options.stateDir, 'spool'),
    bootId: kernel.bootId(),
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
  const health = await serveHealth(options.healthListen, readiness, metrics);
  log.info({ node: options.node, socket: socket.path, ready: readiness.reason() ?? true }, 'serving');

  await aborted(signal);
  log.info({ busy: engine.busy() }, 'stopping');
  await socket.close();
  await health.close();
  await spool.closed;
  await cluster.closed;
  store.close();
}

/** The mark that tells this host's delegates from all others on the machine lives as long as the store. */
async function delegatesOf(options: DaemonOptions, store: Store, log: Logger): Promise<Delegates> {
  const known = store.get('owner');
  const owner = known ?? randomUUID();
  if (known === undefined) await store.set('owner', owner);
  return createDelegates({
    owner,
    timeoutMs: options.delegateTimeoutMs,
    onRemark: (delegate, text) => log.info({ delegate, stderr: text.slice(0, 2000) }, 'a delegate said'),
  });
}
