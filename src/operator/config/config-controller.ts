import { configName } from '../../api/config-gate.ts';
import type { Config } from '../../api/kinds/config.ts';
import { trusted } from '../../kube/calls/json.ts';
import { inNamespace, resources } from '../../kube/calls/resource.ts';
import { startReflector } from '../../kube/copy/reflector.ts';
import { type Again, runController } from '../../kube/reconcile/controller.ts';
import type { Queue } from '../../kube/reconcile/queue.ts';
import type { CountReconciles } from '../context.ts';
import { type DaemonSet, daemonSetName } from './daemon-set.ts';
import { type ConfigContext, reconcileConfig } from './reconcile-config.ts';

/** A roll-out says something for every node: its counts may lag. */
const countsLagMs = 1_000;

/** Keeps the daemons' DaemonSet as the Config says, until the signal is aborted. */
export async function runConfigController(
  options: Omit<ConfigContext, 'configs' | 'daemons'> & {
    readonly queue: Queue;
    readonly onReconciled: CountReconciles;
  },
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, logger, namespace, queue } = options;
  const common = { client, clock, logger, signal };
  const configs = startReflector({ ...common, ref: resources.configs, project: (object) => trusted<Config>(object) });
  const daemons = startReflector({
    ...common,
    ref: inNamespace(resources.daemonSets, namespace),
    fieldSelector: `metadata.name=${daemonSetName}`,
    project: (object) => trusted<DaemonSet>(object),
  });
  configs.onChange(({ key, old, new: now }) => {
    if (old === undefined || now === undefined || old.metadata.generation !== now.metadata.generation) queue.add(key);
  });
  daemons.onChange(({ old, new: now }) => {
    if (old?.metadata.generation === now?.metadata.generation) queue.addAfter(configName, countsLagMs);
    else queue.add(configName);
  });
  queue.add(configName);
  const ended = Promise.all([configs.ended, daemons.ended]);
  await Promise.race([Promise.all([configs.synced, daemons.synced]), ended]);
  const context = { ...options, configs, daemons };
  const reconcile = (key: string): Promise<Again | undefined> => reconcileConfig(context, key, signal);
  await runController({
    name: 'config',
    queue,
    clock,
    reconcile,
    onReconciled: options.onReconciled('config'),
    logger,
    signal,
  });
  await ended;
}
