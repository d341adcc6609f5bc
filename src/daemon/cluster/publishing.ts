import type { KubeClient } from '../../kube/calls/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { originName } from '../../store/open.ts';
import type { Store } from '../../store/types.ts';
import type { AttachEngine } from '../attach/engine.ts';
import type { HostState } from '../host-state.ts';
import type { DaemonOptions } from '../options.ts';
import { createAttachmentCounts } from '../publish/attachment-counts.ts';
import { type Claim, hostInterfaceSpec } from '../publish/host-interface.ts';
import { poolObject } from '../publish/ip-pool.ts';
import { writeHostInterface } from '../publish/write-host-interface.ts';
import { createPoolWriter, type WantedPool } from '../publish/write-pools.ts';
import type { Caches } from './caches.ts';
import { heldOf } from './planning.ts';
import type { Routing } from './routing.ts';

export interface PublishingParts {
  readonly options: DaemonOptions;
  readonly store: Store;
  readonly state: HostState;
  readonly engine: AttachEngine;
  readonly caches: Caches;
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly routing: Pick<Routing, 'placed' | 'trouble'>;
}

/** Tells the API what the host has, serves and has handed out: pools first, so that a claim never runs ahead of them. */
export function createPublishing(parts: PublishingParts): { sync(): Promise<{ after: number } | undefined> } {
  const { options, store, state, engine, caches, client, clock, routing } = parts;
  const pools = createPoolWriter(client, caches.pools, clock.now);

  const wantedPools = (): WantedPool[] =>
    [...state.plans.values()].flatMap((plan) =>
      // A block without addresses (another IPAM plugin gives them) is no pool.
      plan.blocks
        .filter(({ podCIDRs }) => podCIDRs.length > 0)
        .map((block) => ({
          object: poolObject(
            options.node,
            plan,
            block,
            engine.poolUse(plan.network, block.interfaceIndex),
            routing.trouble(plan.network),
          ),
          urgent: plan.draining,
        })),
    );
  const countOf = createAttachmentCounts(store, clock.now);
  const claims = (): (Claim & { readonly wait?: number })[] =>
    [...state.plans.values()].filter(routing.placed).map((plan) => {
      const { count, wait } = plan.ipam.kind === 'pool' ? {} : countOf(plan);
      return {
        plan,
        rails: caches.cidrs.get(plan.network)?.spec?.interfaces ?? [],
        held: heldOf(store, plan.network),
        ...(count !== undefined && { attachments: count }),
        ...(wait !== undefined && { wait }),
      };
    });
  return {
    async sync() {
      // Before the first list nobody knows what stands there already.
      if (!caches.host.hasSynced || !caches.pools.hasSynced) return undefined;
      // A store that has just begun knows less than the pools do: they are read before they are written (recover-store.ts).
      if (store.get(originName) !== undefined) return { after: 1000 };
      const wait = await pools.sync(wantedPools());
      const claimed = claims();
      await writeHostInterface(client, caches.host, options.node, hostInterfaceSpec(options.node, state.nics, claimed));
      const waits = [wait, ...claimed.map((claim) => claim.wait)].filter((one) => one !== undefined);
      return waits.length === 0 ? undefined : { after: Math.min(...waits) };
    },
  };
}
