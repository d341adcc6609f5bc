import type { KubeClient } from '../calls/client.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../calls/errors.ts';
import { inNamespace, resources } from '../calls/resource.ts';
import type { CallOptions } from '../calls/transport.ts';
import type { Clock } from '../clock.ts';
import { type Claim, claim, type Lease, released, type Sighting, sight } from './lease.ts';

/** One candidate's view of a Lease at the API server, and its writes to it: each over the version that it saw last. */
export interface LeaseClient {
  /** Takes or renews the Lease, if it can be. @throws ApiError */
  claim(call: CallOptions): Promise<Claimed>;
  /** Gives it back; of one that is another's by now nothing changes. @throws ApiError */
  release(call: CallOptions): Promise<void>;
}

/** `ours`: from the start of the call on (ms of the clock). `held`: another's. `moved`: somebody was faster, and was looked at; to be tried again. */
export type Claimed =
  | { readonly kind: 'ours'; readonly since: number }
  | Extract<Claim, { readonly kind: 'held' }>
  | { readonly kind: 'moved' };

export interface LeaseClientOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly identity: string;
  /** s that others shall wait for us. */
  readonly durationSeconds: number;
  /** Monotonic. */
  readonly clock: Clock;
}

export function createLeaseClient(options: LeaseClientOptions): LeaseClient {
  const { client, namespace, name, identity, durationSeconds, clock } = options;
  const ref = inNamespace(resources.leases, namespace);
  let seen: Sighting | undefined;

  async function look(call: CallOptions): Promise<void> {
    try {
      seen = sight(seen, await client.get<Lease>(ref, name, call), clock.now());
    } catch (error) {
      if (!isNotFound(error)) throw error;
      seen = undefined;
    }
  }

  async function putReleased(call: CallOptions): Promise<void> {
    if (seen?.lease.spec?.holderIdentity !== identity) return;
    const lease: Lease = { ...seen.lease, spec: released(seen.lease.spec, new Date()) };
    seen = sight(seen, await client.replace(ref, lease, call), clock.now());
  }

  return {
    async claim(call) {
      // Our own last word need not be read again: PUT over its version says whether it still stands.
      if (seen?.lease.spec?.holderIdentity !== identity) await look(call);
      const since = clock.now();
      const next = claim(identity, seen, since, new Date(), durationSeconds);
      if (next.kind === 'held') return next;
      const metadata = seen?.lease.metadata ?? { name, namespace };
      const object: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: next.spec };
      try {
        const answer = await (seen === undefined
          ? client.create(ref, object, call)
          : client.replace(ref, object, call));
        seen = sight(seen, answer, clock.now());
        return { kind: 'ours', since };
      } catch (error) {
        if (!isConflict(error) && !isAlreadyExists(error) && !isNotFound(error)) throw error;
        await look(call);
        return { kind: 'moved' };
      }
    },
    async release(call) {
      try {
        await putReleased(call);
      } catch (error) {
        // A renewal that was cut short may have been written all the same.
        if (!isConflict(error)) throw error;
        await look(call);
        await putReleased(call);
      }
    },
  };
}
