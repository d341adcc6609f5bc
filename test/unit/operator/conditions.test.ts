import { describe, expect, it } from 'vitest';
import { type Asked, type Counts, nextStatus, type Verdicts } from '../../../src/operator/status/conditions.ts';

const counts: Counts & Asked = {
  subnets: '192.168.0.0/16,fd00:10::/48',
  hosts: 2,
  nics: 4,
  attachments: 0,
  computeResults: [{ netAddress: '10.1.1.0/24', numOfHosts: 2 }],
  discovery: { existDaemon: 2, infoAvailable: 2, cidrProcessed: 2 },
};

const good: Verdicts = {
  Accepted: { holds: true, reason: 'Accepted', message: 'the spec is valid' },
  Planned: { holds: true, reason: 'Planned', message: '2 hosts serve their blocks' },
  NetworksReady: { holds: true, reason: 'Created', message: 'in 2 namespaces' },
  RoutesReady: { holds: true, reason: 'InSync', message: 'all host routes are as planned' },
};
const waiting: Verdicts = {
  ...good,
  Planned: { holds: false, reason: 'WaitingForHosts', message: 'host-b' },
  RoutesReady: { holds: false, reason: 'NotPlanned', message: 'later' },
};
const t1 = '2026-01-01T00:00:01Z';
const t2 = '2026-01-01T00:00:02Z';
const t3 = '2026-01-01T00:00:03Z';
const of = (status: ReturnType<typeof nextStatus>, type: string) => status.conditions?.find((c) => c.type === type);

describe('status of a network', () => {
  it('is Ready when all hold, else says why by the first that does not', () => {
    expect(of(nextStatus(undefined, good, counts, 3, t1), 'Ready')).toEqual({
      type: 'Ready',
      status: 'True',
      reason: 'Ready',
      message: '2 hosts, 4 NIC networks',
      lastTransitionTime: t1,
      observedGeneration: 3,
    });
    const status = nextStatus(undefined, waiting, counts, 3, t1);
    expect(of(status, 'Ready')).toMatchObject({ status: 'False', reason: 'WaitingForHosts', message: 'host-b' });
    expect(status.message).toBe('host-b');
    expect(status.subnets).toBe('192.168.0.0/16,fd00:10::/48');
    expect(status.conditions?.map((c) => c.type)).toEqual([
      'Accepted',
      'Planned',
      'NetworksReady',
      'RoutesReady',
      'Ready',
    ]);
  });

  it('that says the same is the very old one', () => {
    const first = nextStatus(undefined, good, counts, 1, t1);
    expect(nextStatus(first, good, counts, 1, t2)).toBe(first);
  });

  it('keeps lastTransitionTime until the status of that condition changes; lastSyncTime moves with any change', () => {
    const first = nextStatus(undefined, waiting, counts, 1, t1);
    const named: Verdicts = { ...waiting, Planned: { ...waiting.Planned, message: 'host-c' } };
    const second = nextStatus(first, named, counts, 1, t2);
    expect(of(second, 'Planned')).toMatchObject({ message: 'host-c', lastTransitionTime: t1 });
    expect(second.lastSyncTime).toBe(t2);
    const third = nextStatus(second, good, counts, 2, t3);
    expect(of(third, 'Planned')?.lastTransitionTime).toBe(t3);
    expect(of(third, 'Accepted')).toMatchObject({ lastTransitionTime: t1, observedGeneration: 2 });
  });

  it.each([
    [good, 'Success', 'Success'],
    [waiting, 'WaitForConfig', 'WaitForRoutes'],
    [{ ...good, Accepted: { holds: false, reason: 'Invalid', message: 'x' } }, 'Failed', 'Success'],
    [{ ...good, NetworksReady: { holds: false, reason: 'ForeignNAD', message: 'x' } }, 'Failed', 'Success'],
    [{ ...good, RoutesReady: { holds: true, reason: 'NotNeeded', message: 'x' } }, 'Success', 'N/A'],
    [{ ...good, RoutesReady: { holds: false, reason: 'OutOfSync', message: 'x' } }, 'Success', 'Failed'],
  ] satisfies [Verdicts, string, string][])("has the predecessor's words too (%#)", (verdicts, config, route) => {
    expect(nextStatus(undefined, verdicts, counts, 1, t1)).toMatchObject({ configStatus: config, routeStatus: route });
  });
});
