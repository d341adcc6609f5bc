import { describe, expect, it } from 'vitest';
import type { PublishedNetwork } from '../../../src/api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { apiVersion } from '../../../src/api/schema.ts';
import { emptyLedger } from '../../../src/ipam/ledger.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { composeNetworks, createDesired } from '../../../src/operator/decide/desired.ts';
import { nicsOf } from '../../../src/operator/decide/host-nics.ts';
import { equal } from '../../../src/operator/equal.ts';
import { ledgerWrites } from '../../../src/operator/ledger/write-ledger.ts';
import { eachOf } from '../../../src/operator/writes.ts';

describe('NICs of a HostInterface', () => {
  it('come from the plural fields, else from the old singular ones', () => {
    const [dual, old] = nicsOf({
      interfaces: [
        {
          interfaceName: 'eth1',
          netAddresses: ['10.1.1.0/24', 'fd00:1::/64'],
          hostIPs: ['10.1.1.5', 'fd00:1::5'],
          netAddress: '10.9.9.0/24',
          mac: '02:00:00:00:00:01',
          pciAddress: '0000:18:00.0',
        },
        { interfaceName: 'eth2', netAddress: '10.1.2.0/24', hostIP: '10.1.2.5', mac: '02:00:00:00:00:02' },
      ],
    });
    expect(dual?.addresses.map(({ prefix }) => formatPrefix(prefix))).toEqual(['10.1.1.0/24', 'fd00:1::/64']);
    expect(dual?.key).toBe('0000:18:00.0');
    expect(old?.addresses).toHaveLength(1);
    expect(old).toMatchObject({ key: '02:00:00:00:00:02', up: true });
  });

  it('leave out what does not parse instead of failing: a person may write these', () => {
    const nics = nicsOf({
      interfaces: [
        { interfaceName: 'a', netAddresses: ['10.1.1.0/24'], hostIPs: ['10.2.2.2'] },
        { interfaceName: 'b', netAddresses: ['10.1.1.0/99'], hostIPs: ['10.1.1.1'] },
        { interfaceName: 'c', netAddresses: ['10.1.1.0/24'], hostIPs: ['nonsense'], linkLocal: 'x' },
        { interfaceName: 'd', netAddresses: ['10.1.1.0/24'] },
      ],
    });
    expect(nics.map((nic) => nic.addresses)).toEqual([[], [], [], []]);
    expect(nicsOf(undefined)).toEqual([]);
  });
});

const entry = (name: string, host = 1): PublishedNetwork => ({
  name,
  uid: `uid-${name}`,
  hostIndex: 0,
  revision: { network: 1, host },
  blocks: [],
});

describe('what a host shall read', () => {
  it('is decided per network; undecided ones keep their entry', () => {
    const desired = createDesired();
    desired.set('new', new Map([['h', entry('new')]]));
    desired.set('left', new Map());
    desired.set('changed', new Map([['h', entry('changed', 2)]]));
    const existing = [entry('left'), entry('changed'), entry('undecided')];
    const networks = composeNetworks('h', existing, desired);
    expect(networks).toEqual([entry('changed', 2), entry('new'), entry('undecided')]);
  });

  it('says which hosts a decision changes', () => {
    const desired = createDesired();
    expect(desired.set('n', new Map([['a', entry('n')]]))).toEqual(['a']);
    const both = new Map([
      ['a', entry('n')],
      ['b', entry('n')],
    ]);
    expect(desired.set('n', both)).toEqual(['b']);
    expect(desired.set('n', new Map([['b', entry('n', 2)]])).sort()).toEqual(['a', 'b']);
    expect(desired.forget('n')).toEqual(['b']);
    expect(desired.of('n')).toBeUndefined();
  });
});

describe('ledger writes', () => {
  const owner: MultiNicNetwork = { apiVersion, kind: 'MultiNicNetwork', metadata: { name: 'net', uid: 'u1' } };
  const host = (hostIndex: number) => ({ hostIndex, hostName: `h${hostIndex}`, revision: 1 });
  const ledger = { ...emptyLedger, config: { name: 'net', uid: 'u1' }, revision: 1, hosts: [host(0), host(40)] };

  it('make what is missing, owned by the network', () => {
    const writes = ledgerWrites(owner, ledger, undefined, []);
    expect(writes.cidr?.metadata).toMatchObject({ name: 'net', ownerReferences: [{ uid: 'u1' }] });
    expect(writes.cidr?.metadata.resourceVersion).toBeUndefined();
    expect(writes.slices.map((slice) => slice.metadata.name)).toEqual(['net-0', 'net-1']);
  });

  it('touch only what differs, over the version that was read, and delete empty slices', () => {
    const made = ledgerWrites(owner, ledger, undefined, []);
    const cidr = made.cidr && { ...made.cidr, metadata: { ...made.cidr.metadata, resourceVersion: '5' } };
    const slices = made.slices.map((slice) => ({ ...slice, metadata: { ...slice.metadata, resourceVersion: '6' } }));
    expect(ledgerWrites(owner, ledger, cidr, slices)).toEqual({ slices: [], deleteSlices: [] });
    const next = ledgerWrites(owner, { ...ledger, hosts: [host(0), host(1)] }, cidr, slices);
    expect(next.cidr).toBeUndefined();
    expect(next.slices.map(({ metadata }) => [metadata.name, metadata.resourceVersion])).toEqual([['net-0', '6']]);
    expect(next.deleteSlices.map((slice) => slice.metadata.name)).toEqual(['net-1']);
  });

  it('keep what the predecessor stored in the head until migration has read it', () => {
    const old = {
      apiVersion,
      kind: 'CIDR',
      metadata: { name: 'net', resourceVersion: '1' },
      spec: { cidr: [{ a: 1 }] },
    };
    expect(ledgerWrites(owner, ledger, old, []).cidr?.spec).toMatchObject({ cidr: [{ a: 1 }], revision: 1 });
  });
});

describe('helpers', () => {
  it('absent and undefined fields are equal, order of keys does not matter, order of items does', () => {
    expect(equal({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(equal({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBe(true);
    expect(equal([1, 2], [2, 1])).toBe(false);
    expect(equal([], {})).toBe(false);
    expect(equal(null, undefined)).toBe(false);
    expect(equal({ a: undefined, b: 1 }, { a: 1 })).toBe(false);
  });

  it('all items are tried, at most so many at a time; then the first error is thrown', async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    const run = eachOf([1, 2, 3, 4, 5], 2, async (item) => {
      running++;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (item === 2) throw new Error('second');
      done.push(item);
    });
    await expect(run).rejects.toThrow('second');
    expect(done).toEqual([1, 3, 4, 5]);
    expect(most).toBe(2);
  });
});
