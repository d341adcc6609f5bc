import type { HostPlan } from '../../api/host.ts';
import type { SliceHost } from '../../api/kinds/cidrslice.ts';
import { trusted } from '../../kube/calls/json.ts';
import type { Store } from '../../store/types.ts';
import { type RouteLedger, routeLedger } from '../plan/remote.ts';
import type { Caches } from './caches.ts';

/** Least time between two writes of one ledger to the store, ms: a join must not cost a write of all hosts. */
const keepEveryMs = 60_000;

/** The route parts of ledgers: as the API says, else as they were when the host last heard of it. */
export interface Ledgers {
  /** Undefined: nothing is known yet, so routes must be left as they are. */
  of(plan: HostPlan): Promise<RouteLedger | undefined>;
  /** Drops what was kept of a network that is not routed here any more. */
  forget(network: string): Promise<void>;
}

export function createLedgers(store: Store, caches: Caches, now: () => number): Ledgers {
  const kept = new Map<string, { at: number; text: string }>();

  async function keep(network: string, ledger: RouteLedger): Promise<void> {
    const last = kept.get(network);
    if (last !== undefined && now() - last.at < keepEveryMs) return;
    const text = JSON.stringify(ledger);
    if (last?.text !== text) await store.set(nameOf(network), text);
    kept.set(network, { at: now(), text });
  }

  return {
    async of(plan) {
      const slices = caches.slices();
      const hosts: SliceHost[] = slices
        .list()
        .filter(({ spec }) => spec?.network === plan.network && spec.uid === plan.uid)
        .flatMap(({ spec }) => spec?.hosts ?? []);
      const live =
        slices.hasSynced && caches.cidrs.hasSynced
          ? routeLedger(caches.cidrs.get(plan.network)?.spec, plan.uid, hosts)
          : undefined;
      if (live !== undefined) {
        await keep(plan.network, live);
        return live;
      }
      const text = store.get(nameOf(plan.network));
      const cached = text === undefined ? undefined : trusted<RouteLedger>(JSON.parse(text));
      return cached?.config.uid === plan.uid ? cached : undefined;
    },
    async forget(network) {
      kept.delete(network);
      await store.set(nameOf(network), undefined);
    },
  };
}

function nameOf(network: string): string {
  return `ledger:${network}`;
}
