import type { HostPlan, Nic } from '../api/host.ts';
import type { Logger } from '../observe/logger.ts';
import type { Store } from '../store/types.ts';
import { decodePlans, encodePlans } from './plan/codec.ts';
import type { Derived, PlanNote } from './plan/derive.ts';

/** What the host serves and has, as of now. The one place that the loops write and the calls read. */
export interface HostState {
  readonly plans: ReadonlyMap<string, HostPlan>;
  readonly notes: readonly PlanNote[];
  nics: readonly Nic[];
  /** Keeps new plans, on disk first. @returns whether anything changed */
  adopt(derived: Derived): Promise<boolean>;
}

const planName = 'plans';

/** Begins with the plan cached in the store, so that a host serves before it has seen the API. */
export function createHostState(store: Store, log: Logger): HostState {
  let plans = cachedPlans(store, log);
  let text = encodePlans(plans.values());
  let notes: readonly PlanNote[] = [];
  return {
    get plans() {
      return plans;
    },
    get notes() {
      return notes;
    },
    nics: [],
    async adopt(derived) {
      const next = encodePlans(derived.plans.values());
      notes = derived.notes;
      if (next === text) return false;
      await store.set(planName, derived.plans.size === 0 ? undefined : next);
      text = next;
      plans = derived.plans;
      return true;
    },
  };
}

function cachedPlans(store: Store, log: Logger): ReadonlyMap<string, HostPlan> {
  const text = store.get(planName);
  if (text === undefined) return new Map();
  try {
    return decodePlans(text);
  } catch (error) {
    log.warn({ err: error }, 'the cached plan cannot be read: waiting for the API');
    return new Map();
  }
}
