import type { KubeObject } from '../../api/meta.ts';

/** What a Lease of coordination.k8s.io/v1 says; the fields and their use are those of client-go's leader election. */
export interface LeaseSpec {
  /** Absent or empty: nobody holds it. */
  readonly holderIdentity?: string;
  /** s without a renewal after which another may take it. */
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  /** How often the holder has changed. */
  readonly leaseTransitions?: number;
}

export type Lease = KubeObject<LeaseSpec>;

/** A Lease, and since when it has stood as it is: ms of the own monotonic clock at which its spec was first seen so. */
export interface Sighting {
  readonly lease: Lease;
  readonly since: number;
}

/** Takes what was read into account. Times in the Lease are another machine's: only that they change tells anything. */
export function sight(before: Sighting | undefined, lease: Lease, now: number): Sighting {
  const same = before !== undefined && fingerprint(before.lease) === fingerprint(lease);
  return { lease, since: same ? before.since : now };
}

function fingerprint({ metadata, spec = {} }: Lease): string {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = spec;
  return JSON.stringify([metadata.uid, holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions]);
}

/** `take`: write this spec over what was seen (or create it). `held`: another's for that many ms more, if he renews no more. */
export type Claim =
  | { readonly kind: 'take'; readonly spec: LeaseSpec }
  | { readonly kind: 'held'; readonly by: string; readonly ms: number };

/**
 * Whether the Lease can be taken or renewed.
 * @param seen undefined: there is none
 * @param now ms of the monotonic clock
 * @param time of the wall clock, for people who read the Lease
 * @param duration s that others shall wait for us
 */
export function claim(identity: string, seen: Sighting | undefined, now: number, time: Date, duration: number): Claim {
  const before = seen?.lease.spec ?? {};
  const holder = before.holderIdentity ?? '';
  const own = holder === identity;
  if (seen !== undefined && holder !== '' && !own) {
    const ms = seen.since + (before.leaseDurationSeconds ?? duration) * 1000 - now;
    if (ms > 0) return { kind: 'held', by: holder, ms };
  }
  const at = microTime(time);
  return {
    kind: 'take',
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: duration,
      acquireTime: own ? (before.acquireTime ?? at) : at,
      renewTime: at,
      leaseTransitions: (before.leaseTransitions ?? 0) + (own || seen === undefined ? 0 : 1),
    },
  };
}

/** What the holder leaves behind who needs it no more: the next takes it at once. */
export function released(spec: LeaseSpec, time: Date): LeaseSpec {
  const at = microTime(time);
  return { ...spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: at, renewTime: at };
}

/** metav1.MicroTime takes exactly six digits. */
function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
