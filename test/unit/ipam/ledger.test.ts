import { describe, expect, it } from 'vitest';
import { blockFromStatus, blocksOf, blockToStatus, verifyPublished } from '../../../src/ipam/blocks.ts';
import { configOf } from '../../../src/ipam/layout.ts';
import { emptyLedger, readLedger, sliceName, writeLedger } from '../../../src/ipam/ledger.ts';
import type { Ledger } from '../../../src/ipam/types.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { block, network, nic } from '../../support/networks.ts';

const meta = { apiVersion: 'multinic.fms.io/v1', metadata: { name: 'n' } };
const of = network({ name: 'n' });
const slice = (firstIndex: number, hosts: [number, string][], uid = of.uid) => ({
  ...meta,
  kind: 'CIDRSlice',
  spec: {
    network: 'n',
    uid,
    firstIndex,
    hosts: hosts.map(([hostIndex, hostName]) => ({ hostIndex, hostName, revision: 1 })),
  },
});
const head = { ...meta, kind: 'CIDR', spec: { config: configOf(of), revision: 3, interfaces: [] } };

describe('ledger', () => {
  it('comes back from the objects as it was written, slice by slice', () => {
    const ledger: Ledger = {
      config: configOf(of),
      revision: 4,
      rails: [0, 1].map((interfaceIndex) => ({
        interfaceIndex,
        netAddresses: [`10.1.${interfaceIndex}.0/24`],
        ordinal: 0,
      })),
      releasedRails: [{ interfaceIndex: 3, at: '2026-01-01T00:00:00.000Z' }],
      hosts: [0, 31, 32, 63].map((hostIndex) => ({ hostIndex, hostName: `h${hostIndex}`, revision: hostIndex + 1 })),
      released: [{ hostIndex: 100, hostName: 'gone', at: '2026-01-01T00:00:00.000Z' }],
    };
    const { cidr, slices } = writeLedger(of, ledger);
    expect(slices.map(({ name, spec }) => [name, spec.firstIndex, spec.hosts?.map((host) => host.hostIndex)])).toEqual([
      ['n-0', 0, [0, 31]],
      ['n-1', 32, [32, 63]],
      ['n-3', 96, []],
    ]);
    const stored = slices.map(({ spec }) => ({ ...meta, kind: 'CIDRSlice', spec })).reverse();
    expect(readLedger({ ...meta, kind: 'CIDR', spec: cidr }, stored)).toEqual(ledger);
  });

  it('is empty before the first plan', () => {
    expect(readLedger(undefined, [])).toEqual(emptyLedger);
    expect(writeLedger(of, emptyLedger).slices).toEqual([]);
  });

  it('keeps of a host in two slices the index that its daemon claims, else the lower', () => {
    const slices = [
      slice(32, [
        [40, 'a'],
        [41, 'b'],
      ]),
      slice(0, [
        [2, 'a'],
        [3, 'c'],
      ]),
    ];
    const indexes = (claimed: [string, number][]) =>
      readLedger(head, slices, new Map(claimed)).hosts.map((host) => [host.hostName, host.hostIndex]);
    expect(indexes([])).toEqual([
      ['a', 2],
      ['c', 3],
      ['b', 41],
    ]);
    expect(indexes([['a', 40]])).toEqual([
      ['c', 3],
      ['a', 40],
      ['b', 41],
    ]);
    expect(indexes([['a', 2]])).toEqual([
      ['a', 2],
      ['c', 3],
      ['b', 41],
    ]);
    expect(indexes([['a', 7]])).toEqual([
      ['a', 2],
      ['c', 3],
      ['b', 41],
    ]);
  });

  it('leaves out slices of a namesake that was deleted', () => {
    expect(readLedger(head, [slice(0, [[1, 'a']], 'uid-before')]).hosts).toEqual([]);
  });

  it('names slices within 253 characters, each network its own', () => {
    expect(sliceName('net', 32 * 7 + 5)).toBe('net-7');
    const long = (last: string) => `${'a'.repeat(252)}${last}`;
    const names = [sliceName(long('x'), 0), sliceName(long('y'), 0), sliceName(long('x'), 320)];
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^a+-[0-9a-f]{10}-\d+$/);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(253);
  });
});

describe('published blocks', () => {
  const config = configOf(network({ name: 'n', excludes: [parsePrefix('192.168.1.8/29')] }));
  const rails = [{ interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 }];
  const nics = [nic('eth1', ['10.1.0.1/24'])];
  const blocks = blocksOf(config, rails, 1, 'h', nics);
  const published = {
    name: 'n',
    uid: 'uid-n',
    hostIndex: 1,
    revision: { network: 1, host: 1 },
    blocks: blocks.map(blockToStatus),
  };
  const verify = (change: Partial<typeof published>, have = nics) =>
    verifyPublished(config, rails, { ...published, ...change }, 'h', have);

  it('keep their meaning as text', () => {
    const full = {
      ...block('eth1', 1, ['10.0.0.0/16', 'fd00::/56'], ['10.0.1.0/24', 'fd00::/64'], ['10.0.1.9/32']),
      draining: true,
    };
    expect(blockFromStatus(blockToStatus(full))).toEqual(full);
    expect(blockToStatus(block('eth1', 0, ['10.0.0.0/16'], ['10.0.0.0/24']))).not.toHaveProperty('excludes');
  });

  it('are served when the ledger gives the same', () => {
    expect(verify({})).toEqual({ ok: true, blocks });
    const draining = published.blocks.map((one) => ({ ...one, draining: true }));
    expect(verify({ blocks: draining })).toEqual({
      ok: true,
      blocks: blocks.map((one) => ({ ...one, draining: true })),
    });
  });

  it('are left out while their NIC is away', () => {
    expect(verify({}, [])).toEqual({ ok: true, blocks: [] });
  });

  it.each([
    ['another index', { hostIndex: 2 }, 'it gives 192.168.2.0/24'],
    ['another block', { podCIDRs: ['192.168.2.0/24'] }, 'it gives 192.168.1.0/24'],
    ['another rail', { vlanCIDRs: ['192.168.0.0/17'] }, 'its rail is 192.168.0.0/18'],
    ['other excludes', { excludes: [] }, 'its excludes are 192.168.1.8/29'],
    ['a rail that the ledger lacks', { interfaceIndex: 3 }, 'no such block'],
    ['a text that is no prefix', { podCIDRs: ['x'] }, '"x" has no prefix length'],
    ['an index beyond the bits', { hostIndex: 64 }, 'index 64 does not fit 6 bits'],
  ])('are refused with %s', (_, change, text) => {
    const { hostIndex, ...ofBlock } = { hostIndex: 1, ...change };
    const verified = verify({ hostIndex, blocks: published.blocks.map((one) => ({ ...one, ...ofBlock })) });
    expect(verified).toMatchObject({ ok: false });
    expect(verified.ok ? '' : verified.message).toContain(text);
  });
});
