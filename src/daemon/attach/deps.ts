import type { HostPlan, Nic } from '../../api/host.ts';
import type { Delegates } from '../../delegates/exec.ts';
import type { IsReference } from '../../delegates/reference.ts';
import type { Kernel } from '../../kernel/types.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Store } from '../../store/types.ts';
import type { DevicesOf } from '../devices/types.ts';
import type { CallLimits } from './limits.ts';

/**
 * Places where a test may stop or kill the process, in the order in which one ADD and one DEL pass them; `lent:` where a NIC that was
 * itself in the pod is given back, within del:delegates-done and del:links-gone.
 */
export const steps = [
  'add:committed',
  'add:prepared',
  'add:delegates',
  'add:before-finish',
  'add:finished',
  'del:started',
  'del:delegates-done',
  'del:links-gone',
  'del:removed',
  'lent:out',
  'lent:restored',
  'lent:returned',
] as const;
export type Step = (typeof steps)[number];

/** What the engine is given. Functions are asked anew at each call, so plans and NICs may change under it. */
export interface AttachDeps {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly delegates: Delegates;
  /** Whose links may be made without running it, where that comes to the same; none unless told. */
  readonly isReference?: IsReference;
  /** What this host serves, by network. */
  readonly plans: () => ReadonlyMap<string, HostPlan>;
  /** The host's pool. */
  readonly nics: () => readonly Nic[];
  /** Which devices kubelet gave to a pod; absent: there is no kubelet. */
  readonly devicesOf?: DevicesOf;
  readonly hostName: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Why ADD cannot be served. */
  readonly ready: () => true | string;
  readonly log: Logger;
  readonly cooldown: Cooldown;
  /** How long calls take at most; the usual ones unless told. */
  readonly limits?: CallLimits;
  /** The host's own namespace, which no pod may name; default: the process's. */
  readonly ownNetns?: string;
  /** Called at each step, for tests that stop there. */
  readonly onStep?: (step: Step) => void | Promise<void>;
}

/** How long a released address rests, ms: `cooldownMs` while others are free, `floorMs` always. */
export interface Cooldown {
  readonly cooldownMs: number;
  readonly floorMs: number;
}
