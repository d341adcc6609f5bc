import { CniError, code } from '../../../api/cni-error.ts';
import { alternativeName } from '../../../cni/interface-names.ts';
import { withPrevious } from '../../../cni/result.ts';
import type { CniResult, ContainerCall } from '../../../cni/types.ts';
import { refusals } from '../../../kernel/batch.ts';
import type { IpCommand, Link } from '../../../kernel/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { type AttachContext, delegateContext } from '../context.ts';
import { missingOf } from '../look/present.ts';
import { renew, requireNewer } from '../look/repeated.ts';
import { requireCaller, requireNetns, requirePlan, requireSame, requireTime } from '../look/required.ts';
import type { Executor } from '../make/executor.ts';
import { type PodRoutes, planPodRoutes, readPodRoutes } from '../make/pod-routes.ts';
import { inSandbox, resultOf } from '../make/result.ts';
import { mainRoutes, makeSourceRouting } from '../make/source-routing.ts';
import { reserve } from '../reserve/reserve.ts';
import { undoFailed } from '../undo/failed.ts';
import { undo } from '../undo/undo.ts';

/**
 * ADD: all NICs with all their addresses, or nothing. Addresses are on disk before they are on a link. Asked again, the same
 * answer when all of it is in the namespace, else undone first and made anew.
 * @param signal the caller has gone: what was made is undone
 * @param until when making ends and undoing begins, ms as performance.now() counts
 * @throws CniError naming what is wrong; nothing is left behind
 */
export async function add(
  context: AttachContext,
  call: ContainerCall,
  signal: AbortSignal,
  until: number,
): Promise<CniResult> {
  return context.locks.run(call.key.containerID, async () => {
    requireCaller(signal);
    requireTime(call, until);
    let looking = lookInto(context, call);
    const netnsId = requireNetns(context, call);
    const known = context.store.attachments.get(keyText(call.key));
    if (known !== undefined) {
      if (isServed(known, netnsId, await looking)) {
        await renew(context, call, known);
        return answer(call, inSandbox(known.result, call.netns));
      }
      requireNewer(context, call, known);
      await undo(context, known, call.netns);
      looking = lookInto(context, call);
    }
    const plan = requirePlan(context, call.key.network);
    const wanted = readPodRoutes(plan, call.conf);
    const { record, executor } = await reserve(context, { plan, call, netnsId, wanted, looking });
    try {
      await context.step('add:committed');
      requireSame(context, plan);
      return answer(
        call,
        await attach(context, call, record, planPodRoutes(plan, mainRoutes(plan, wanted), record.calls), {
          executor,
          signal,
          until,
        }),
      );
    } catch (error) {
      await undoFailed(context, record);
      throw error;
    }
  });
}

/** Begun at once: what there is to decide is decided meanwhile. Where that ends in an error, nobody waits for it. */
function lookInto({ kernel }: AttachContext, { netns }: ContainerCall): Promise<readonly Link[]> {
  const looking = kernel.links(netns);
  looking.catch(() => undefined);
  return looking;
}

function answer(call: ContainerCall, own: CniResult): CniResult {
  const { prevResult } = call.conf;
  return prevResult === undefined ? own : withPrevious(prevResult, own);
}

type Served = AttachmentRecord & { readonly result: CniResult };

function isServed(record: AttachmentRecord, netnsId: string, links: readonly Link[]): record is Served {
  return (
    record.state === 'ready' &&
    record.netnsId === netnsId &&
    record.result !== undefined &&
    missingOf(record.result, links).length === 0
  );
}

async function attach(
  context: AttachContext,
  call: ContainerCall,
  record: AttachmentRecord,
  { commands, routes }: PodRoutes,
  { executor, signal, until }: { readonly executor: Executor; readonly signal: AbortSignal; readonly until: number },
): Promise<CniResult> {
  await executor.prepare();
  await context.step('add:prepared');
  requireCaller(signal);
  const running = delegateContext(context, record, call.netns, { signal, until });
  const { delegateResults, answers, links } = await executor.make(running, [
    ['link', 'property', 'add', 'dev', call.key.ifname, 'altname', alternativeName(call.key.ifname)],
    ...commands,
  ]);
  const [refused, ...refusedRoutes] = answers;
  if (refused !== undefined) context.log.warn({ attachment: keyText(call.key), err: refused }, 'no altname');
  requireRoutes(call, commands, refusedRoutes);
  await makeSourceRouting(context.kernel, call.netns, record.calls);
  const result = resultOf({
    calls: record.calls,
    delegateResults,
    links,
    nics: context.nics(),
    netns: call.netns,
    dns: call.conf.dns,
    routes,
  });
  const missing = missingOf(result, links);
  if (missing.length > 0) {
    throw new CniError(
      code.delegate,
      `the delegates said that all is made, but in ${call.netns} ${missing.join('; ')}`,
    );
  }
  await context.step('add:before-finish');
  requireCaller(signal);
  requireTime(call, until);
  await context.store.finish(call.key, delegateResults, result);
  await context.step('add:finished');
  requireCaller(signal);
  const nics = record.calls.map(({ nic }) => nic);
  // Behind the answer: nobody waits for the line.
  setImmediate(() => context.log.info({ attachment: keyText(call.key), nics }, 'attached'));
  return result;
}

/** @param answers of the kernel, by position of the commands */
function requireRoutes(
  call: ContainerCall,
  commands: readonly IpCommand[],
  answers: readonly (string | undefined)[],
): void {
  const refused = refusals(commands, answers);
  if (refused.length === 0) return;
  throw new CniError(
    code.invalidConfig,
    `network ${call.key.network}: ipam.routes cannot be made in ${call.netns}: ${refused.join('; ')}; leave out what the pod has already, and gateways that it cannot reach`,
  );
}
