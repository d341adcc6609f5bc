import { describe, expect, it } from 'vitest';
import { emptyLedger } from '../../../src/ipam/ledger.ts';
import { plan } from '../../../src/ipam/plan.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { movesBlocks } from '../../../src/operator/decide/move.ts';
import { network, nic } from '../../support/networks.ts';

const host = (hostName: string) => ({
  hostName,
  nodeExists: true,
  nics: [nic('eth1', ['10.1.1.11/24']), nic('eth2', ['10.1.2.11/24'])],
  allocated: new Map<number, number>(),
});
const hosts = [host('a'), host('b')];
const first = plan({ network: network(), ledger: emptyLedger, hosts, now: 0 });
const serving = hosts.map((one) => {
  const published = first.assignments.get(one.hostName);
  return { ...one, ...(published && { published }) };
});
const after = (change: Parameters<typeof network>[0]) =>
  plan({ network: network(change), ledger: first.ledger, hosts: serving, now: 0 });

describe('an edit moves blocks', () => {
  it('when it gives a host another prefix, or takes a rail from it', () => {
    expect(movesBlocks(first.ledger, after({ hostBlock: 5 }), serving)).toBe(true);
    expect(movesBlocks(first.ledger, after({ interfaceBlock: 3 }), serving)).toBe(true);
    expect(movesBlocks(first.ledger, after({ masterNets: [parsePrefix('10.1.1.0/24')] }), serving)).toBe(true);
  });

  it('not when nothing is planned yet, nothing changed, or only hosts come', () => {
    expect(movesBlocks(emptyLedger, first, serving)).toBe(false);
    expect(movesBlocks(first.ledger, after({}), serving)).toBe(false);
    const more = plan({ network: network(), ledger: first.ledger, hosts: [...serving, host('c')], now: 0 });
    expect(movesBlocks(first.ledger, more, serving)).toBe(false);
  });

  it('not for hosts whose Node is gone or that read nothing', () => {
    const edited = after({ hostBlock: 5 });
    expect(movesBlocks(first.ledger, edited, hosts)).toBe(false);
    expect(
      movesBlocks(
        first.ledger,
        edited,
        serving.map((one) => ({ ...one, nodeExists: false })),
      ),
    ).toBe(false);
  });
});
