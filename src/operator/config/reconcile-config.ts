import { configName, parseConfig, predecessorConfigName } from '../../api/config-gate.ts';
import type { Config } from '../../api/kinds/config.ts';
import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import { apiVersion } from '../../api/schema.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { ApiError } from '../../kube/calls/errors.ts';
import { trusted } from '../../kube/calls/json.ts';
import { inNamespace, resources } from '../../kube/calls/resource.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Reflector } from '../../kube/copy/reflector.ts';
import type { Recorder } from '../../kube/events/events.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Again } from '../../kube/reconcile/controller.ts';
import { getLive } from '../gone.ts';
import { newsOf } from '../status/news.ts';
import { applyOver, put, putStatus, type Target } from '../writes.ts';
import { defaultConfig } from './config-default.ts';
import {
  accepted,
  type ConfigReason,
  type ConfigVerdict,
  invalid,
  nextConfigStatus,
  notObeyed,
  rollout,
} from './config-status.ts';
import {
  type Applied,
  type DaemonSet,
  daemonSet,
  daemonSetName,
  hashOf,
  isAsApplied,
  isOurDaemonSet,
} from './daemon-set.ts';

export interface DaemonsOptions {
  /** Where the DaemonSet is. */
  readonly namespace: string;
  /** The daemon's image where the Config names none; undefined: not known. @throws ApiError */
  readonly image: () => Promise<string | undefined>;
}

/** What the Config and its DaemonSet are looked at with. */
export interface ConfigContext extends DaemonsOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: Recorder;
  readonly configs: Reflector<Config>;
  readonly daemons: Reflector<DaemonSet>;
}

/** Everything is looked at again this often, changed or not. */
const resyncMs = 600_000;
/** One Config: judged, the DaemonSet as it says, its status. */
export async function reconcileConfig(
  context: ConfigContext,
  name: string,
  signal: AbortSignal,
): Promise<Again | undefined> {
  const config = context.configs.get(name);
  if (name !== configName) {
    if (config !== undefined) await refuse(context, config, notObeyed(name), signal);
    return undefined;
  }
  if (config === undefined) return makeDefault(context, signal);
  const parsed = parseConfig(config, config.spec?.daemon?.image ? undefined : await context.image());
  // What runs goes on as it is.
  if (!parsed.ok) await refuse(context, config, invalid(parsed.problems), signal);
  else await deploy(context, config, daemonSet(parsed.value, context.namespace), signal);
  return { after: resyncMs };
}

/** Between deletion and this the daemons go on: the DaemonSet belongs to no Config. */
async function makeDefault(context: ConfigContext, signal: AbortSignal): Promise<Again | undefined> {
  const { client, configs, logger } = context;
  const live = await getLive<Config>(client, resources.configs, configName);
  if (live === undefined) {
    const predecessor = configs.get(predecessorConfigName);
    await put(targetOf(context, 'configs'), defaultConfig(predecessor), signal);
    logger.info({ config: configName, from: predecessor?.metadata.name }, 'made the Config: there was none');
  } else configs.learn(live);
  return { after: 0 };
}

async function deploy(context: ConfigContext, config: Config, wanted: DaemonSet, signal: AbortSignal): Promise<void> {
  const before = config.status?.daemonSet;
  const notReady = (reason: ConfigReason, message: string): Promise<void> =>
    writeStatus(
      context,
      config,
      // What was applied last still runs: once the cause is gone, that is compared with.
      { accepted, ready: { holds: false, reason, message }, ...(before && { applied: before }) },
      signal,
    );
  const existing = context.daemons.get(`${context.namespace}/${daemonSetName}`);
  if (existing !== undefined && !isOurDaemonSet(existing, before)) {
    const message = `the DaemonSet ${context.namespace}/${daemonSetName} is not multinic's: it is left alone; rename or delete it`;
    return notReady('ForeignDaemonSet', message);
  }
  let live = existing;
  let applied = before;
  if (existing === undefined || !isAsApplied(existing, wanted, before)) {
    try {
      live = await apply(context, existing, wanted, signal);
    } catch (error) {
      if (error instanceof ApiError && error.code === 422) {
        return notReady('WriteFailed', `the API server refuses the DaemonSet: ${messageOf(error)}`);
      }
      throw error;
    }
    const { uid = '', generation = 0 } = live.metadata;
    applied = { uid, generation, hash: hashOf(wanted) };
    context.logger.info({ daemonSet: daemonSetName, generation }, 'applied the DaemonSet of the daemons');
  }
  if (live === undefined) return;
  const state = rollout(live);
  await writeStatus(context, config, { accepted, ready: state, counts: state, ...(applied && { applied }) }, signal);
}

/** Without force where there is none: fields of one that somebody else makes meanwhile are not taken from him. */
async function apply(
  context: ConfigContext,
  existing: DaemonSet | undefined,
  wanted: DaemonSet,
  signal: AbortSignal,
): Promise<DaemonSet> {
  return trusted<DaemonSet>(await applyOver(targetOf(context, 'daemons'), existing, undefined, wanted, signal));
}

async function refuse(
  context: ConfigContext,
  config: Config,
  verdict: ConfigVerdict,
  signal: AbortSignal,
): Promise<void> {
  const ready: ConfigVerdict = { holds: false, reason: 'NotAccepted', message: 'the Config is not obeyed' };
  const applied = config.status?.daemonSet;
  await writeStatus(context, config, { accepted: verdict, ready, ...(applied && { applied }) }, signal);
}

async function writeStatus(
  context: ConfigContext,
  config: Config,
  said: Parameters<typeof nextConfigStatus>[1] & { readonly applied?: Applied },
  signal: AbortSignal,
): Promise<void> {
  const now = new Date(context.clock.now()).toISOString();
  const status = nextConfigStatus(config.status, said, config.metadata.generation ?? 0, now);
  if (status === config.status) return;
  const next: KubeObject = { ...config, apiVersion, kind: 'Config', status };
  await putStatus(targetOf(context, 'configs'), next, signal);
  for (const news of newsOf(config.status?.conditions, status.conditions)) context.events.record(next, news);
  const reason = (of: Config['status']): string => (of?.conditions ?? []).map((one) => one.reason).join();
  if (reason(status) === reason(config.status)) return;
  const fields = { config: config.metadata.name, reasons: reason(status) };
  if (said.accepted.holds) context.logger.info({ ...fields, message: said.ready.message }, 'config');
  else context.logger.warn({ ...fields, message: said.accepted.message }, 'config');
}

function targetOf({ client, configs, daemons, namespace }: ConfigContext, which: 'configs' | 'daemons'): Target {
  if (which === 'configs') return { client, ref: resources.configs, cache: configs };
  return { client, ref: inNamespace(resources.daemonSets, namespace), cache: daemons };
}
