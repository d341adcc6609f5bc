import { describe, expect, test } from 'vitest';
import type { HostInterface, PublishedNetwork } from '../../../src/api/kinds/hostinterface.ts';
import type { Revision } from '../../support/ledger/history.ts';
import {
  judgeBlocks,
  judgeHandOvers,
  judgeLedger,
  judgeRecord,
  judgeWrites,
  type LeaseWrite,
  type OperatorWrite,
} from '../../support/ledger/judges.ts';

// The judges of the two-operators test, on histories that somebody made up: each fires at what it is for, and only then.
const apiVersion = 'multinic.fms.io/v1';
const uid = 'uid-net';

type Step = (revision: number) => Revision;
/** In this order, at revisions 1, 2, … */
const history = (...steps: readonly Step[]): Revision[] => steps.map((step, at) => step(at + 1));

const node =
  (name: string, gone = false): Step =>
  (revision) => ({ revision, gone, kind: 'node', object: { apiVersion: 'v1', kind: 'Node', metadata: { name } } });

const ending: Step = (revision) => {
  const metadata = { name: 'net', uid, deletionTimestamp: '2026-01-01T00:00:00Z' };
  return { revision, gone: false, kind: 'network', object: { apiVersion, kind: 'MultiNicNetwork', metadata } };
};

/** `a:0 b:1`: who holds which index of a slice. */
const slice =
  (name: string, hosts: string, gone = false): Step =>
  (revision) => ({
    revision,
    gone,
    kind: 'slice',
    object: {
      apiVersion,
      kind: 'CIDRSlice',
      metadata: { name },
      spec: {
        network: 'net',
        uid,
        firstIndex: 0,
        hosts: hosts
          .split(' ')
          .filter(Boolean)
          .map((text) => ({ hostName: text.split(':')[0] ?? '', hostIndex: Number(text.split(':')[1]), revision: 1 })),
      },
    },
  });

const published = (hostIndex: number, podCIDRs: readonly string[], more: Partial<PublishedNetwork> = {}) => ({
  name: 'net',
  uid,
  hostIndex,
  revision: { host: 1, network: 1 },
  blocks: podCIDRs.map((podCIDR, interfaceIndex) => ({
    interfaceName: `eth${interfaceIndex}`,
    interfaceIndex,
    netAddresses: [],
    podCIDRs: [podCIDR],
  })),
  ...more,
});

const host =
  (name: string, networks: readonly object[], gone = false): Step =>
  (revision) => {
    const object: HostInterface = Object({
      apiVersion,
      kind: 'HostInterface',
      metadata: { name },
      spec: { hostName: name },
      status: { networks },
    });
    return { revision, gone, kind: 'host', object };
  };

describe('the ledger', () => {
  const nodes = [node('a'), node('b')];
  test.each<[string, Revision[]]>([
    ['hosts come', history(...nodes, slice('net-0', 'a:0'), slice('net-0', 'a:0 b:1'))],
    ['a host goes with its Node', history(...nodes, slice('net-0', 'a:0 b:1'), node('b', true), slice('net-0', 'a:0'))],
    ['the network is deleted', history(...nodes, slice('net-0', 'a:0'), ending, slice('net-0', 'a:0', true))],
    [
      "an index rests, then is another host's",
      history(node('a'), slice('net-0', 'a:0'), node('a', true), slice('net-0', ''), node('b'), slice('net-0', 'b:0')),
    ],
  ])('nothing is wrong when %s', (_, revisions) => {
    expect(judgeLedger(revisions)).toEqual([]);
  });

  test.each<[string, Revision[], string]>([
    [
      "an index is two hosts'",
      history(...nodes, slice('net-0', 'a:0 b:0')),
      "revision 3, network net: index 0 is a's and b's",
    ],
    [
      'it is so in two slices',
      history(...nodes, slice('net-0', 'a:0'), slice('net-1', 'b:0')),
      "revision 4, network net: index 0 is a's and b's",
    ],
    [
      'it is so for one revision only',
      history(...nodes, slice('net-0', 'a:0'), slice('net-0', 'a:0 b:0'), slice('net-0', 'a:0 b:1')),
      "revision 4, network net: index 0 is a's and b's",
    ],
    [
      'a host has two indexes',
      history(...nodes, slice('net-0', 'a:0 a:1')),
      'revision 3, network net: a has the indexes 0 and 1',
    ],
    [
      'a host is moved',
      history(...nodes, slice('net-0', 'a:0'), slice('net-0', 'a:1')),
      'revision 4, network net: a had index 0, then 1',
    ],
    [
      'a host is dropped',
      history(...nodes, slice('net-0', 'a:0 b:1'), slice('net-0', 'a:0')),
      'revision 4, network net: b had index 1, then none',
    ],
    [
      'a slice goes',
      history(...nodes, slice('net-0', 'a:0'), slice('net-0', 'a:0', true)),
      'revision 4, network net: a had index 0, then none',
    ],
  ])('is found out when %s', (_, revisions, problem) => {
    expect(judgeLedger(revisions)).toContain(problem);
  });
});

describe('blocks', () => {
  const given = host('a', [published(0, ['10.0.0.0/24'])]);
  test.each<[string, Revision[]]>([
    [
      'a block is added',
      history(
        node('a'),
        given,
        host('a', [published(0, ['10.0.0.0/24', '10.0.1.0/24'], { revision: { host: 2, network: 1 } })]),
      ),
    ],
    [
      'the network is deleted',
      history(node('a'), given, ending, host('a', [published(0, ['10.0.0.0/24'], { draining: true })]), host('a', [])),
    ],
    ['the Node is gone', history(node('a'), given, node('a', true), host('a', [], true))],
  ])('nothing is wrong when %s', (_, revisions) => {
    expect(judgeBlocks(revisions)).toEqual([]);
  });

  test.each<[string, Revision[], string]>([
    [
      'one moves',
      history(node('a'), given, host('a', [published(0, ['10.0.9.0/24'])])),
      'revision 3, host a, network net: rail 0: 10.0.0.0/24, then 10.0.9.0/24',
    ],
    [
      'one is lost',
      history(node('a'), given, host('a', [published(0, [])])),
      'revision 3, host a, network net: rail 0: 10.0.0.0/24, then nothing',
    ],
    [
      'one moves for one revision only',
      history(node('a'), given, host('a', [published(0, ['10.0.9.0/24'])]), given),
      'revision 3, host a, network net: rail 0: 10.0.0.0/24, then 10.0.9.0/24',
    ],
    [
      'the index changes',
      history(node('a'), given, host('a', [published(1, ['10.0.0.0/24'])])),
      'revision 3, host a, network net: index 0, then 1',
    ],
    [
      'the network is withdrawn',
      history(node('a'), given, host('a', [])),
      'revision 3, host a, network net: withdrawn',
    ],
    ['the object goes', history(node('a'), given, host('a', [], true)), 'revision 3, host a, network net: withdrawn'],
    [
      'it is told to drain',
      history(node('a'), given, host('a', [published(0, ['10.0.0.0/24'], { draining: true })])),
      'revision 3, host a, network net: told to drain',
    ],
    [
      'an index is given twice',
      history(node('a'), node('b'), given, host('b', [published(0, ['10.0.0.0/24'])])),
      'revision 4: index 0 of network net is given to a and b',
    ],
  ])('are found out when %s', (_, revisions, problem) => {
    expect(judgeBlocks(revisions)).toContain(problem);
  });
});

describe('writes', () => {
  const lease = (revision: number, at: number, holder: string): LeaseWrite => ({ revision, at, holder });
  const write = (by: string, at: number, revision?: number): OperatorWrite => ({
    by,
    at,
    what: 'update cidrslices net-0',
    ...(revision !== undefined && { revision }),
  });
  const leases = [lease(10, 1_000, 'a'), lease(20, 3_000, 'a'), lease(30, 4_000, ''), lease(40, 5_000, 'b')];

  test('of those who lead are right, refused ones too', () => {
    expect(judgeWrites([write('a', 1_500, 11), write('a', 3_900), write('b', 5_100, 41)], leases, 12_000)).toEqual([]);
  });

  test('that changed nothing, and are answered with what another has made, are right', () => {
    expect(judgeWrites([write('b', 5_100, 25)], leases, 12_000)).toEqual([]);
  });

  test.each([
    ['before anybody leads', write('a', 900), "update cidrslices net-0 by a: the Lease was nobody's"],
    ['while another leads', write('b', 1_500), "update cidrslices net-0 by b: the Lease was a's"],
    ['after its release', write('a', 4_500, 31), "update cidrslices net-0 by a: the Lease was nobody's"],
    ['after another took over', write('a', 5_500), "update cidrslices net-0 by a: the Lease was b's"],
    [
      'long after the last renewal',
      write('b', 17_000, 50),
      'update cidrslices net-0 by b: the Lease had not been renewed for 12000 ms',
    ],
    // On time by the clock, but done after another had taken over.
    [
      'that came late to the store',
      write('a', 3_900, 41),
      "update cidrslices net-0 by a: at revision 41 the Lease was b's",
    ],
  ])('are found out %s', (_, one, problem) => {
    expect(judgeWrites([one], leases, 12_000)).toContain(problem);
  });
});

describe('hand-overs', () => {
  const lease = (at: number, holder: string): LeaseWrite => ({ revision: at, at, holder });
  const leases = [lease(0, 'a'), lease(2_000, 'a'), lease(23_000, 'b')];
  const quick = () => 0;

  test.each([
    ['somebody takes over in time', [{ who: 'b', from: 0, to: 40_000 }], 40_000, 21_500],
    ['nobody could have', [{ who: 'b', from: 5_000, to: 40_000 }], 40_000, 20_000],
    [
      'each could only for a while',
      [
        { who: 'b', from: 0, to: 12_000 },
        { who: 'c', from: 12_000, to: 40_000 },
      ],
      40_000,
      20_000,
    ],
  ])('nothing is wrong when %s', (_, able, end, limit) => {
    expect(judgeHandOvers(leases, able, end, limit, quick)).toEqual([]);
  });

  test('that take too long are found out', () => {
    expect(judgeHandOvers(leases, [{ who: 'b', from: 0, to: 40_000 }], 40_000, 20_000, quick)).toEqual([
      'nobody led for 21.0 s, though b could have',
    ]);
  });

  test('may take as much longer as the machine has lost meanwhile, and no more', () => {
    const asked: number[] = [];
    const slow = (ms: number) => (from: number, to: number) => {
      asked.push(from, to);
      return ms;
    };
    const able = [{ who: 'b', from: 2_500, to: 40_000 }];
    expect(judgeHandOvers(leases, able, 40_000, 20_000, slow(500))).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining([2_500, 23_000]));
    expect(judgeHandOvers(leases, able, 40_000, 20_000, slow(499))).toHaveLength(1);
  });

  test('that never come are found out', () => {
    expect(judgeHandOvers(leases, [{ who: 'c', from: 23_500, to: 60_000 }], 60_000, 20_000, quick)).toEqual([
      'nobody led for 36.5 s, though c could have',
    ]);
  });
});

test('a revision that was written and not recorded is found out', () => {
  const recorded = history(node('a'), node('b'));
  expect(judgeRecord(recorded, [1, 2])).toEqual([]);
  expect(judgeRecord(recorded, [2, 3])).toEqual(['revision 3 was not recorded']);
});
