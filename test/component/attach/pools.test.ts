import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HostPlan } from '../../../src/api/host.ts';
import { createPoolBook, type PoolBook, type Reserved } from '../../../src/daemon/attach/pools.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/types.ts';
import { planOf } from '../../support/attach/world.ts';
import { keyOf, recordOf, testBoot } from '../../support/store/records.ts';

let folder: string;
let store: Store;
let plan: HostPlan;
let book: PoolBook;
const now = (): number => 1_000_000;
const newBook = (): PoolBook =>
  createPoolBook({
    store,
    plans: () => new Map([[plan.network, plan]]),
    hostName: 'h',
    now,
    cooldown: { cooldownMs: 60_000, floorMs: 10_000 },
  });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'multinic-pools-'));
  ({ store } = openStore({ path: join(folder, 'store.db'), bootId: testBoot, now }));
  plan = planOf({ network: 'net', blocks: { eth1: ['10.0.0.4/30'], eth2: ['10.0.1.4/30'] } });
  book = newBook();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const texts = ({ nics }: Reserved): string[] =>
  nics.flatMap(({ addresses }) => addresses.map(({ address }) => formatAddress(address)));
/** Takes, as ADD does, and forgets that it is on its way. */
const take = (): string[] => {
  const reserved = book.reserve(plan, [0, 1], []);
  book.settle(reserved);
  return texts(reserved);
};

test('pools begin with what the store holds and what rests, behind the newest', async () => {
  await store.begin(recordOf('a', ['10.0.0.4', '10.0.1.4']));
  await store.begin(recordOf('b', ['10.0.0.5', '10.0.1.5']));
  await store.remove(keyOf('b'), now() - 1);
  book = newBook();
  expect(take()).toEqual(['10.0.0.6', '10.0.1.6']);
  expect(take()).toEqual(['10.0.0.7', '10.0.1.7']);
  expect(() => take()).toThrow(/of 4, 3 are in use and 1 rest/);
  expect(book.numbers('net', 0)).toEqual({ capacity: 4n, resting: 1 });
  expect(book.numbers('net', 9)).toEqual({ capacity: 0n, resting: 0 });
  expect(book.numbers('other', 0)).toEqual({ capacity: 0n, resting: 0 });
});

test('a plan that changes under a reservation neither gives its addresses out nor loses them', () => {
  const reserved = book.reserve(plan, [0, 1], []);
  expect(texts(reserved)).toEqual(['10.0.0.4', '10.0.1.4']);
  plan = { ...plan, revision: { network: 2, host: 1 } };
  const others = [take(), take(), take()].flat();
  expect(others).not.toContain('10.0.0.4');
  book.giveBack(reserved);
  book.settle(reserved);
  expect(take()).toEqual(['10.0.0.4', '10.0.1.4']);
});

test('the pointer goes on over a change of plan', () => {
  expect(take()).toEqual(['10.0.0.4', '10.0.1.4']);
  const reserved = book.reserve(plan, [0, 1], []);
  book.giveBack(reserved);
  book.settle(reserved);
  plan = { ...plan };
  // 10.0.0.4 is held by nobody the store knows of, but it comes last, as does the one given back.
  expect(take()).toEqual(['10.0.0.6', '10.0.1.6']);
});

test('memory that is wrong is built anew', async () => {
  expect(take()).toEqual(['10.0.0.4', '10.0.1.4']);
  await store.begin(recordOf('behind', ['10.0.0.5', '10.0.1.5']));
  book.forget('net');
  expect([take(), take()].flat()).not.toContain('10.0.0.5');
});

test('exhaustion on the second NIC takes nothing on the first', () => {
  plan = planOf({ network: 'net', blocks: { eth1: ['10.0.0.4/30'], eth2: ['10.0.1.4/32'] } });
  take();
  expect(() => take()).toThrow(/NIC eth2/);
  const rest = [1, 2, 3].flatMap(() => texts(book.reserve(plan, [0], [])));
  expect(rest.sort()).toEqual(['10.0.0.5', '10.0.0.6', '10.0.0.7']);
});

test('a released record rests, and is given out last, after the floor', async () => {
  const record = recordOf('a', ['10.0.0.4', '10.0.1.4']);
  take();
  book.release(record, now());
  expect([take(), take(), take()].flat()).not.toContain('10.0.0.4');
  expect(() => take()).toThrow(/3 are in use and 1 rest/);
  book.release(record, now() - 10_000);
  expect(take()).toEqual(['10.0.0.4', '10.0.1.4']);
});
