import { beforeEach, describe, expect, it } from 'vitest';
import type { CIDR } from '../../../src/api/kinds/cidr.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { createCache, type Versioned } from '../../../src/kube/cache.ts';
import { createHandlers } from '../../../src/kube/handlers.ts';
import { silent } from '../../../src/kube/logger.ts';
import type { Reflector } from '../../../src/kube/reflector.ts';
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
type Copy<T> = Reflector<T> & {
  readonly put: (value: Omit<Versioned<T>, 'version'>) => void;
  remove(key: string): void;
};

function copyOf<T>(): Copy<T> {
  const cache = createCache<T>();
  const handlers = createHandlers(cache, silent, 'things');
  const never = Promise.resolve();
  const next = (): string => String(++version);
  return {
    get: cache.get,
    has: cache.has,
    list: cache.list,
    keys: cache.keys,
    get size() {
      return cache.size;
    },
    synced: never,
    hasSynced: true,
    lastHeard: 0,
    onChange: handlers.add,
    learn: () => {},
    catchUp: () => never,
    ended: never,
    put: (item) => handlers.tell(cache.put({ ...item, version: next() })),
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
  networks.put({ key: name, value: object('MultiNicNetwork', name, `uid of ${name}`) as MultiNicNetwork });
}

function lose(name: string): void {
  cidrs.put({ key: name, value: ledger(name) });
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
  nodes.put({ key: 'silent', value: { name: 'silent', podCIDRs: [] } });
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
    hosts.put({ key: 'silent', value: object('HostInterface', 'silent', 'h') as HostInterface });
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
    cidrs.put({ key: 'net', value: ledger('net', 'another') });
    appear('net');
    expect(returning.awaited('net')).toBeUndefined();
    cidrs.remove('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);
  });

  it('a ledger that goes when nobody holds anything of it is no loss; its successor is, and so is one that goes in its place', () => {
    cidrs.put({ key: 'net', value: ledger('net') });
    returning.settled(ledger('net'));
    cidrs.remove('net');
    appear('net');
    expect(returning.awaited('net')).toBeUndefined();
    lose('net');
    expect(returning.awaited('net')?.ms).toBe(60_000);

    cidrs.put({ key: 'net', value: ledger('net') });
    returning.settled(ledger('net', 'one that has gone already'));
    returning.settled(ledger('net'));
    cidrs.put({ key: 'net', value: ledger('net', 'another') });
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
