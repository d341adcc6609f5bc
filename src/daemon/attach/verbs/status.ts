import { setTimeout as sleep } from 'node:timers/promises';
import { CniError, code } from '../../../api/cni-error.ts';
import { delegateOf } from '../../../api/delegations.ts';
import type { HostPlan } from '../../../api/host.ts';
import { isObject } from '../../../cni/fields.ts';
import type { NetworkCall } from '../../../cni/types.ts';
import type { NetworkDelegateCall } from '../../../delegates/exec.ts';
import { readMetaPlugins } from '../../../delegates/meta-plugins.ts';
import type { AttachContext } from '../context.ts';
import { hasNetworkVerbs, networkCalls } from '../make/network-calls.ts';
import { noneFree } from '../reserve/unavailable.ts';

/** Runtimes poll STATUS and wait for it, so that a delegate that hangs is not waited for: ms. */
const delegateLimitMs = 600;

/**
 * STATUS: whether an ADD to this network could be served now: the daemon is ready, the network has blocks here with room in
 * each, its delegates, chained plugins and IPAM plugins are installed, and delegates and chained plugins (from CNI 1.1.0 on) say so
 * themselves.
 * @throws CniError 50 with every reason that one look finds; 51 where delegates say that and nothing else is wrong
 */
export async function status(context: AttachContext, call: NetworkCall): Promise<void> {
  const ready = context.ready();
  if (ready !== true) throw unavailable(`this host's multinic daemon is not ready: ${ready}`);
  const { name } = call.conf;
  const plan = context.plans().get(name);
  if (plan === undefined) {
    throw unavailable(
      `host ${context.hostName} serves no network ${name}: is there a MultiNicNetwork of that name, Ready?`,
    );
  }
  if (plan.draining)
    throw unavailable(`network ${name} is being deleted or moved: host ${context.hostName} attaches no more to it`);
  const full = context.pools.full(plan);
  if (full.length > 0) throw unavailable(`network ${name} on host ${context.hostName}: ${full.join('; ')}`);
  const taken = noneFree(context, plan, call.conf.plugin);
  if (taken !== undefined) throw unavailable(`network ${name} on host ${context.hostName}: ${taken}`);
  await askDelegates(context, plan, call);
}

async function askDelegates(context: AttachContext, plan: HostPlan, call: NetworkCall): Promise<void> {
  const { delegates } = context;
  const calls = distinct(networkCalls(plan, call));
  const asked = async (): Promise<void> => {
    const chained = readMetaPlugins(call.conf.plugin, plan.network).map(({ plugin }) => plugin);
    for (const plugin of new Set([delegateOf(plan.pluginType), ...calls.flatMap(ipamPlugin), ...chained]))
      delegates.find(call.path, plugin);
    const outcomes = await Promise.allSettled(
      calls.map(async (one) => {
        if (!(await hasNetworkVerbs(context, call.path, one.plugin))) return;
        await delegates.runNetwork(one, 'STATUS', call.path, delegateLimitMs);
      }),
    );
    requireAll(outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : [])));
  };
  const late = async (): Promise<never> => {
    await sleep(delegateLimitMs + 100, undefined, { ref: false });
    throw unavailable(
      `network ${plan.network}: delegate ${plan.pluginType} does not answer within ${delegateLimitMs} ms`,
    );
  };
  try {
    await Promise.race([asked(), late()]);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const kept = error.code === code.limitedConnectivity ? error.code : code.notAvailable;
    throw new CniError(kept, error.message, error.details, error);
  }
}

/** NICs differ to a plugin that is asked for its STATUS in nothing but who gives addresses: the first of a kind speaks for all. */
function distinct(calls: readonly NetworkDelegateCall[]): readonly NetworkDelegateCall[] {
  const kinds = calls.map((call) => [[call.plugin, ...ipamPlugin(call)].join('/'), call] as const);
  return [...new Map(kinds.toReversed()).values()].toReversed();
}

/** @throws what delegates said, all of it */
function requireAll(failures: readonly unknown[]): void {
  const [first, ...more] = failures;
  if (first === undefined) return;
  const known = failures.filter((failure) => failure instanceof CniError);
  if (more.length === 0 || known.length < failures.length) throw first;
  const limited = known.every((failure) => failure.code === code.limitedConnectivity);
  throw new CniError(
    limited ? code.limitedConnectivity : code.notAvailable,
    known.map(({ message }) => message).join('; '),
    known.map(({ details }) => details).join('; '),
    first,
  );
}

function unavailable(message: string): CniError {
  return new CniError(code.notAvailable, message);
}

/** Who gives addresses to the links: the plugin that the call's IPAM names; none of a chained plugin. */
function ipamPlugin({ config }: NetworkDelegateCall): readonly string[] {
  const { ipam } = config;
  return isObject(ipam) && typeof ipam['type'] === 'string' ? [ipam['type']] : [];
}
