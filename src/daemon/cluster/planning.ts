import type { Kernel } from '../../kernel/types.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Readiness } from '../../observe/readiness.ts';
import { originName } from '../../store/open.ts';
import type { Store } from '../../store/types.ts';
import type { HostState } from '../host-state.ts';
import type { DaemonOptions } from '../options.ts';
import { derivePlans } from '../plan/derive.ts';
import { claimFound } from '../recovery/found.ts';
import type { Caches } from './caches.ts';

export interface PlanningParts {
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly kernel: Pick<Kernel, 'netnsId' | 'bootId'>;
  readonly state: HostState;
  readonly readiness: Readiness;
  readonly log: Logger;
  readonly caches: Caches;
}

/** Derives what the host serves from the caches and keeps it. */
export function createPlanning({ options, store, kernel, state, readiness, log, caches }: PlanningParts): {
  /** @returns whether the plan changed */
  derive(): Promise<boolean>;
} {
  let said = '';
  return {
    async derive() {
      if (!caches.host.hasSynced || !caches.cidrs.hasSynced || !caches.networks.hasSynced) return false;
      // A store that has just begun learns first what is in use (recover-store.ts).
      if (store.get(originName) !== undefined) return false;
      const derived = derivePlans({
        hostName: options.node,
        published: caches.host.get(options.node)?.status?.networks ?? [],
        cidr: (network) => caches.cidrs.get(network),
        network: (network) => caches.networks.get(network),
        nics: state.nics,
        previous: state.plans,
        held: (network, interfaceIndex) => heldOf(store, network, interfaceIndex),
      });
      const claimed = await claimFound(store, kernel, derived.plans.values(), Date.now());
      if (claimed > 0) log.warn({ interfaces: claimed }, 'in use in pods, and in no IPPool: their addresses are kept');
      const changed = await state.adopt(derived);
      readiness.set('plan', undefined);
      const notes = derived.notes.map(({ network, message }) => `${network}: ${message}`).join('; ');
      if (notes !== said && notes !== '') log.warn({ notes: derived.notes }, 'not served as published');
      said = notes;
      if (changed) log.info({ networks: [...state.plans.keys()] }, 'new plan');
      return changed;
    },
  };
}

/** Addresses that attachments of the network hold, on one rail or on all; of those whose addresses others gave, their NICs. */
export function heldOf(store: Store, network: string, interfaceIndex?: number): number {
  let held = 0;
  for (const { key, addresses, calls } of store.attachments.values()) {
    if (key.network !== network) continue;
    held +=
      interfaceIndex === undefined
        ? addresses.length || calls.length
        : addresses.filter((one) => one.interfaceIndex === interfaceIndex).length;
  }
  return held;
}
