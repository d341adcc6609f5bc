import type { Call, CniResult } from '../../cni/types.ts';
import { keyText } from '../../store/key.ts';
import type { PoolUse } from '../publish/ip-pool.ts';
import type { AttachContext } from './context.ts';
import type { AttachDeps } from './deps.ts';
import { ipam } from './ipam/ipam.ts';
import { ipamAdd } from './ipam/ipam-add.ts';
import { createSettleLent } from './lent/settle.ts';
import { answerWithin, timeOf, usualLimits } from './limits.ts';
import { createKeyedMutex } from './locks.ts';
import { shared } from './look/shared.ts';
import { type AttachmentView, listAttachments, poolUse } from './look/views.ts';
import { createPoolBook } from './pools.ts';
import { type Collected, createCollector, type IsPodHere } from './undo/collect.ts';
import { type Recovery, recover, retryDeleting } from './undo/recover.ts';
import { add } from './verbs/add.ts';
import { check } from './verbs/check.ts';
import { del } from './verbs/del.ts';
import { gc } from './verbs/gc.ts';
import { status } from './verbs/status.ts';

/** How long a DEL that was seen refuses ADDs that started before it: longer than any shim waits. */
const noteMs = 5 * 60_000;

/** What serves CNI on this host. */
export interface AttachEngine {
  /**
   * Carries out one call: the result of ADD, undefined for the other verbs. An ADD whose caller has gone is undone. Answered in
   * the time of limits.ts, whatever hangs; what goes on then ends backwards.
   * @param callerMs how long the caller waits
   * @throws CniError
   */
  handle(call: Call, callerGone?: AbortSignal, callerMs?: number): Promise<CniResult | undefined>;
  /** Finishes backwards what an earlier run left. To be awaited before the first call. */
  recover(): Promise<Recovery>;
  /**
   * Tries again what a DEL could not undo, and forgets what has rested and DELs that were seen long ago; to be called now and
   * then. @returns one sentence for each that failed again
   */
  retry(): Promise<readonly string[]>;
  /**
   * Gives back NICs that the kernel brought back to the host when their pod went; cheap while none is lent. To be called when links have
   * changed. @returns one sentence for each that is not as it was
   */
  settleLent(): Promise<readonly string[]>;
  /**
   * Looks for attachments that nobody will delete any more, and releases those that the look before found too; to be called
   * now and then. @throws nothing
   */
  collect(isPodHere: IsPodHere): Promise<Collected>;
  /** Calls being carried out. */
  busy(): number;
  listAttachments(): readonly AttachmentView[];
  /** What has been handed out on one network and rail. */
  poolUse(network: string, interfaceIndex: number): PoolUse;
  /** Calls back, a moment later, whenever addresses were handed out or came back; to be stopped by the function that it answers. */
  onChange(listener: () => void): () => void;
}

export function createAttachEngine(deps: AttachDeps): AttachEngine {
  const listeners = new Set<() => void>();
  const context: AttachContext = {
    ...deps,
    ownNetns: deps.ownNetns ?? '/proc/self/ns/net',
    limits: deps.limits ?? usualLimits,
    locks: createKeyedMutex(),
    lending: createKeyedMutex(),
    restoredAt: new Map(),
    pools: createPoolBook(deps),
    hostLinks: shared(() => deps.kernel.links()),
    // Publishing counts all addresses: whoever changed some starts his programs first.
    changed: () =>
      setImmediate(() => {
        for (const listener of listeners) listener();
      }),
    step: async (step) => deps.onStep?.(step),
  };
  const collect = createCollector(context);
  const settleLent = createSettleLent(context);
  let calls = 0;

  const carryOut = async (call: Exclude<Call, { verb: 'ADD' }>): Promise<void> => {
    if (call.ipamOf !== undefined) await ipam(context, call);
    else if (call.verb === 'DEL') await del(context, call);
    else if (call.verb === 'CHECK') await check(context, call);
    else if (call.verb === 'GC') await gc(context, call);
    else if (call.verb === 'STATUS') await status(context, call);
  };
  return {
    async handle(call, callerGone = new AbortController().signal, callerMs) {
      const { answerMs, makeMs } = timeOf(call.verb, context.limits, callerMs);
      const until = performance.now() + makeMs;
      const what = 'key' in call ? `${call.verb} of ${keyText(call.key)}` : `${call.verb} of network ${call.conf.name}`;
      return answerWithin(what, answerMs, async (over) => {
        calls += 1;
        try {
          if (call.verb === 'ADD') {
            const gone = AbortSignal.any([callerGone, over]);
            if (call.ipamOf !== undefined) return await ipamAdd(context, call, gone);
            return await add(context, call, gone, until);
          }
          await carryOut(call);
          return undefined;
        } finally {
          calls -= 1;
        }
      });
    },
    async recover() {
      const found = await recover(context);
      return { ...found, failed: [...found.failed, ...(await settleLent())] };
    },
    async retry() {
      const { cooldownMs, floorMs } = deps.cooldown;
      await deps.store.expire(deps.now() - Math.max(cooldownMs, floorMs), deps.now() - noteMs);
      return [...(await retryDeleting(context)), ...(await settleLent())];
    },
    settleLent,
    collect,
    busy: () => calls,
    listAttachments: () => listAttachments(deps.store),
    poolUse: (network, interfaceIndex) =>
      poolUse(deps.store, network, interfaceIndex, context.pools.numbers(network, interfaceIndex)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
