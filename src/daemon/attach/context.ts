import type { DelegateContext } from '../../delegates/exec.ts';
import type { Look } from '../../delegates/parallel.ts';
import type { Kernel, Link } from '../../kernel/types.ts';
import type { AttachmentRecord } from '../../store/types.ts';
import type { AttachDeps, Step } from './deps.ts';
import { type CallLimits, delegatesShare } from './limits.ts';
import type { KeyedMutex } from './locks.ts';
import type { PoolBook } from './pools.ts';

/** The dependencies together with what the verbs share. */
export interface AttachContext extends AttachDeps {
  readonly ownNetns: string;
  readonly limits: CallLimits;
  readonly locks: KeyedMutex;
  /** NICs are lent and given back one after the other: what they are like is read before it is changed. Inside `locks`. */
  readonly lending: KeyedMutex;
  /** NICs that are back and wait for their carrier, by name: since when, ms. */
  readonly restoredAt: Map<string, number>;
  readonly pools: PoolBook;
  /** The host's links, as a look that is under way sees them. */
  readonly hostLinks: () => Promise<readonly Link[]>;
  /** Addresses were handed out or came back. */
  readonly changed: () => void;
  readonly step: (step: Step) => Promise<void>;
}

/** How delegates of a record are run, in a namespace or (DEL) in none, until when (ms, as performance.now() counts). */
export function delegateContext(
  { limits }: Pick<AttachContext, 'limits'>,
  record: AttachmentRecord,
  netns: string,
  making?: { readonly signal: AbortSignal; readonly until: number },
): DelegateContext {
  const { key, args, path } = record;
  const undoMs = delegatesShare(limits);
  return { key, netns, args, path, undoMs, until: performance.now() + undoMs, ...making };
}

/** Looks into a namespace for src/delegates; `seen` answers the first time, which spares a process. */
export function lookWith(kernel: Kernel, seen?: Awaited<ReturnType<Kernel['links']>>): Look {
  let known = seen;
  return async (netns) => {
    const answer = known;
    known = undefined;
    if (answer !== undefined) return answer;
    return kernel.netnsId(netns) === undefined ? undefined : kernel.links(netns);
  };
}
