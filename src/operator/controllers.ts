import { aborted } from '../kube/clock.ts';
import { type Reconcile, runController } from '../kube/reconcile/controller.ts';
import { runConfigController } from './config/config-controller.ts';
import type { DaemonsOptions } from './config/reconcile-config.ts';
import type { Context } from './context.ts';
import { reconcileHost } from './hosts/host-controller.ts';
import { reconcileNamespace } from './nads/namespace-controller.ts';
import { reconcileNetwork } from './network/network-controller.ts';
import { wakeOnChange } from './wake.ts';

/**
 * The controllers, until the signal is aborted.
 * @param daemons given: the DaemonSet of the daemons is kept too
 */
export async function runControllers(context: Context, signal: AbortSignal, daemons?: DaemonsOptions): Promise<void> {
  const { caches, client, clock, events, logger, onReconciled, queues } = context;
  wakeOnChange(context);
  // Copies that were kept while another led may know a host before what the other gave it, and would take it back.
  await Promise.race([caches.catchUp(), caches.ended, aborted(signal)]);
  context.returning.begin();
  if (!signal.aborted) logger.info({ networks: caches.networks.size, hosts: caches.hosts.size }, 'operator started');
  const run = (name: 'network' | 'host' | 'namespace', workers: number, reconcile: Reconcile): Promise<void> =>
    runController({
      name,
      queue: queues[name],
      clock,
      workers,
      reconcile,
      onReconciled: onReconciled(name),
      logger,
      signal,
    });
  await Promise.all([
    // One: each judges beside what those before it have taken.
    run('network', 1, async (key) => {
      const started = clock.now();
      try {
        return await reconcileNetwork(context, key, signal);
      } finally {
        if (caches.networks.has(key)) context.reconcileMs.set(key, clock.now() - started);
        else context.reconcileMs.delete(key);
      }
    }),
    run('host', 16, (key) => reconcileHost(context, key, signal)),
    daemons &&
      runConfigController({ client, clock, logger, events, onReconciled, queue: queues.config, ...daemons }, signal),
    run('namespace', 1, (key) => reconcileNamespace(context, key)),
  ]);
}
