import { beforeEach, describe, expect, it } from 'vitest';
import type { CIDR } from '../../../src/api/kinds/cidr.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { type Change, createCache } from '../../../src/kube/copy/cache.ts';
import { createHandlers } from '../../../src/kube/copy/handlers.ts';
import { silent } from '../../../src/kube/logger.ts';
import type { NodeFacts } from '../../../src/operator/caches.ts';
import { createReturning, type Returning } from '../../../src/operator/ledger/returning.ts';
import { type ManualClock, manualClock } from '../../support/kube/manual-clock.ts';

let version: number;
let clock: ManualClock;
let nodes: Copy<NodeFacts>;
let hosts: Copy<HostInterface>;
let networks: Copy<MultiNicNetwork>;
let cidrs: Copy<CIDR>;
let returning: Returning;

/** A reflector's cache and handlers, told by hand what a watch would tell. */
interface Copy<T> {
  get(key: string): T | undefined;
  has(key: string): boolean;
  keys(): string[];
  onChange(handler: (change: Change<T>) => void): void;
  put(key: string, value: T): void;
  remove(key: string): void;
}

function copyOf<T>(): Copy<T> {
  const cache = createCache<T>();
  const handlers = createHandlers(cache, silent, 'things');
  const next = (): string => String(++version);
  return {
    get: (key) => cache.get(key),
    has: (key) => cache.has(key),
    keys: () => cache.keys(),
    onChange: (handler) => handlers.add(handler),
    put: (key, value) => handlers.tell(cache.put({ key, value, version: next() })),
    remove: (key) => handlers.tell(cache.remove(key, next())),
  };
}

const object = (kind: string, name: string, uid: string) => ({
  apiVersion: 'multinic.fms.io/v1',
  kind,
  metadata: { name, uid, resourceVersion: '1' },
});
const ledger = (name: string, uid = `ledger of ${name}`): CIDR => object('CIDR', name, uid);

function appear(name: string): void {
  networks.put(name, object('MultiNicNetwork', name, `uid of ${name}`));
}

function lose(name: string): void {
  cidrs.put(name, ledger(name));
  cidrs.remove(name);
}

beforeEach(() => {
  version = 1;
  clock = manualClock(1_000_000);
  nodes = copyOf();
  hosts = copyOf();
  networks = copyOf();
  cidrs = copyOf();
  returning = createReturning({ nodes, hosts, networks, cidrs }, clock);
  nodes.put('silent', { name: 'silent', podCIDRs: [] });
  returning.begin();
  clock.advance(60_000);
});

describe('returning', () => {
  it('a network waits for Nodes without HostInterface in the first minute, and for a minute after its ledger went', () => {
    expect(returning.awaited('net')).toBeUndefined();
    returning.begin();
    clock.advance(59_999);
    expect(returning.awaited('net')).toEqual({ hosts: ['silent'], ms: 1 });
    clock.advance(1);
    expect(returning.awaited('net')).toBeUndefined();
    lose('net');
    expect(returning.awaited('net')).toEqual({ hosts: ['silent'], ms: 60_000 });
    expect(returning.awaited('other')).toBeUndefined();
    hosts.put('silent', object('HostInterface', 'silent', 'h'));
    expect(returning.awaited('net')).toBeUndefined();
  });

  it('the minute is counted from when there is such a network, however late', () => {
    lose('net');
    clock.advance(86_400_000);
    expect(returning.awaited('net')).toBeUndefined();
    appear('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);
  });

  it('what a new ledger says is not asked any more', () => {
    lose('net');
    cidrs.put('net', ledger('net', 'another'));
    appear('net');
    expect(returning.awaited('net')).toBeUndefined();
    cidrs.remove('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);
  });

  it('a ledger that goes when nobody holds anything of it is no loss; its successor is, and so is one that goes in its place', () => {
    cidrs.put('net', ledger('net'));
    returning.settled(ledger('net'));
    cidrs.remove('net');
    appear('net');
    expect(returning.awaited('net')).toBeUndefined();
    lose('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);

    cidrs.put('net', ledger('net'));
    returning.settled(ledger('net', 'one that has gone already'));
    returning.settled(ledger('net'));
    cidrs.put('net', ledger('net', 'another'));
    cidrs.remove('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);
  });

  it('of thousands that nobody makes again the newest thousand are known', () => {
    for (let n = 0; n < 1_500; n++) lose(`net-${n}`);
    for (const n of [0, 499, 500, 1_499]) appear(`net-${n}`);
    clock.advance(1);
    const waits = [0, 499, 500, 1_499].filter((n) => returning.awaited(`net-${n}`) !== undefined);
    expect(waits).toEqual([500, 1_499]);
  });
});
