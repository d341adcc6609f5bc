import type { CniResult } from '../cni/types.ts';
import { isOlder } from '../cni/versions.ts';
import { withAddresses, withoutIpam } from './addressing.ts';
import type { DelegateContext, Delegates } from './exec.ts';
import { isObject } from './json.ts';
import { versionOf } from './plan.ts';
import type { DelegateCall } from './types.ts';

/**
 * ADD of a call and of what is chained to it, each with the result of the one before.
 * @returns the last result, as if each plugin had asked the IPAM that its call names
 */
export async function addChain(delegates: Delegates, call: DelegateCall, context: DelegateContext): Promise<CniResult> {
  let result = withAddresses(call, await delegates.run(withoutIpam(call), 'ADD', context));
  for (const step of stepsOf(call)) result = await delegates.run(step, 'ADD', context, result);
  return result;
}

/**
 * CHECK of a call and of what is chained to it, with the last result; those made with a version before 0.4.0 have none. A main
 * plugin looks for its on-link routes in the main table: where sbr or vrf have moved them, it is not asked (the same list fails
 * CHECK in any runtime).
 */
export async function checkChain(
  delegates: Delegates,
  call: DelegateCall,
  context: DelegateContext,
  recorded: CniResult | undefined,
): Promise<void> {
  const steps = stepsOf(call);
  const moved = steps.some(({ plugin }) => plugin === 'sbr' || plugin === 'vrf');
  for (const step of moved ? steps : [withoutIpam(call), ...steps]) {
    if (!isOlder(versionOf(step), '0.4.0')) await delegates.run(checked(step), 'CHECK', context, recorded);
  }
}

/**
 * tuning puts the interface in the place of IFNAME on ADD, but not on CHECK (containernetworking/plugins v1.1.1), which so finds no
 * such sysctl. Done here on CHECK alone: on ADD a host's allow-list is matched with IFNAME.
 */
function checked(step: DelegateCall): DelegateCall {
  const { sysctl } = step.config;
  if (step.plugin !== 'tuning' || !isObject(sysctl)) return step;
  const named = Object.entries(sysctl).map(([key, value]) => [key.replace('IFNAME', step.ifname), value]);
  return { ...step, config: { ...step.config, sysctl: Object.fromEntries(named) } };
}

/** What went wrong in the DEL of one plugin. */
export interface DelFailure {
  readonly error: unknown;
  /** It matters though the pod's interface has gone: the plugin may have left something outside of the pod. */
  readonly outside: boolean;
}

/**
 * DEL of a call and of what is chained to it, the last first, with the last result; each is asked, whatever the others say.
 * @param there whether the pod's interface is (or may be) there; without it, plugins that only work on it have nothing to undo
 */
export async function delChain(
  delegates: Delegates,
  call: DelegateCall,
  context: DelegateContext,
  {
    recorded,
    there,
    main,
  }: { readonly recorded: CniResult | undefined; readonly there: boolean; readonly main: boolean },
): Promise<readonly DelFailure[]> {
  const steps = stepsOf(call).filter(({ plugin }) => there || !inPod.has(plugin));
  const failures: DelFailure[] = [];
  const own = withoutIpam(call);
  for (const step of [...steps.reverse(), ...(main ? [own] : [])]) {
    try {
      await delegates.run(step, 'DEL', context, recorded);
    } catch (error) {
      failures.push({ error, outside: step !== own && !inPod.has(step.plugin) });
    }
  }
  return failures;
}

/**
 * Plugins whose work goes with the pod's interface or namespace. Their DEL fails where these have gone already (sbr,
 * containernetworking/plugins up to v1.9.1). Of others nothing is known: bandwidth has a link on the host.
 */
const inPod: ReadonlySet<string> = new Set(['tuning', 'sbr', 'vrf']);

/** What is chained to a call, as calls of their own. */
function stepsOf({ nic, ifname, chain = [] }: DelegateCall): DelegateCall[] {
  return chain.map(({ plugin, config }) => ({ nic, ifname, plugin, config }));
}
