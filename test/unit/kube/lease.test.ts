import { describe, expect, it } from 'vitest';
import { claim, type Lease, type LeaseSpec, released, sight } from '../../../src/kube/lease/lease.ts';

const time = new Date('2026-01-02T03:04:05.678Z');
const lease = (spec: LeaseSpec, resourceVersion = '1'): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'x', uid: 'u', resourceVersion },
  spec,
});
const held: LeaseSpec = {
  holderIdentity: 'other',
  leaseDurationSeconds: 15,
  renewTime: '2020-01-01T00:00:00.000000Z',
  leaseTransitions: 3,
};

describe('claim', () => {
  it('takes a lease that is not there, with times that the API takes', () => {
    const at = '2026-01-02T03:04:05.678000Z';
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: at,
      renewTime: at,
      leaseTransitions: 0,
    };
    expect(claim('me', undefined, 0, time, 15)).toEqual({ kind: 'take', spec });
  });

  it("waits for another's since it was first seen so, whatever its renewTime says", () => {
    const seen = sight(undefined, lease(held), 1_000);
    expect(claim('me', seen, 15_999, time, 30)).toEqual({ kind: 'held', by: 'other', ms: 1 });
    expect(claim('me', seen, 16_000, time, 30)).toMatchObject({ kind: 'take', spec: { leaseTransitions: 4 } });
  });

  it('starts to wait anew with each renewal, not with a label', () => {
    const first = sight(undefined, lease(held), 1_000);
    expect(sight(first, lease(held, '2'), 9_000).since).toBe(1_000);
    const renewed = { ...held, renewTime: '2020-01-01T00:00:02.000000Z' };
    expect(sight(first, lease(renewed, '3'), 9_000).since).toBe(9_000);
  });

  it('takes a released one at once', () => {
    const seen = sight(undefined, lease(released(held, time)), 0);
    expect(claim('me', seen, 0, time, 15)).toMatchObject({ kind: 'take', spec: { leaseTransitions: 4 } });
  });

  it('renews its own: acquireTime and transitions stay', () => {
    const own = { ...held, holderIdentity: 'me', acquireTime: '2020-01-01T00:00:00.000000Z' };
    const spec = { acquireTime: own.acquireTime, leaseTransitions: 3, renewTime: '2026-01-02T03:04:05.678000Z' };
    expect(claim('me', sight(undefined, lease(own), 0), 99_000, time, 15)).toMatchObject({ kind: 'take', spec });
  });
});
