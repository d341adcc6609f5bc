import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { CniResult } from '../../../src/cni/types.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { createDiskSync } from '../../../src/store/disk-sync.ts';
import { keyText } from '../../../src/store/key.ts';
import { openStore } from '../../../src/store/open.ts';
import { migrate } from '../../../src/store/schema.ts';
import { createStore } from '../../../src/store/sqlite-store.ts';
import type { Store } from '../../../src/store/types.ts';
import { addressText, keyOf, lentNic, recordOf, testBoot } from '../../support/store/records.ts';

let folder: string;
let store: Store;
const open = (): Store => openStore({ path: join(folder, 'store.db'), bootId: testBoot, now: () => 1000 }).store;
const reopen = (): Store => {
  store.close();
  store = open();
  return store;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'multinic-store-'));
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const result: CniResult = { interfaces: [{ name: 'net1', mac: '02:00:00:00:00:01' }], ips: [], routes: [], dns: {} };

describe('life of an attachment', () => {
  test('what begin, finish and startDelete wrote is there after opening again, exactly', async () => {
    const record = recordOf('a', ['10.0.0.1', 'fd00::1'], { ns: 9007199254740993n });
    expect(await store.begin(record)).toBeUndefined();
    expect(reopen().attachments.get(keyText(record.key))).toEqual(record);
    await store.finish(record.key, [result], result);
    const ready = { ...record, state: 'ready', delegateResults: [result], result };
    expect(store.attachments.get(keyText(record.key))).toEqual(ready);
    expect(reopen().attachments.get(keyText(record.key))).toEqual(ready);
    const stamp = { ...record.stamp, ns: record.stamp.ns + 2n };
    await store.renew(record.key, stamp);
    expect(store.attachments.get(keyText(record.key))).toEqual({ ...ready, stamp });
    await store.startDelete(record.key);
    expect(reopen().attachments.get(keyText(record.key))).toEqual({ ...ready, stamp, state: 'deleting' });
  });

  test('removed: no row is left, its addresses rest, and rest after opening again', async () => {
    await store.begin(recordOf('a', ['10.0.0.1', '10.0.0.2']));
    await store.remove(keyOf('a'), 5000);
    expect(store.attachments.size).toBe(0);
    expect(store.counts()).toEqual({
      attachments: 0,
      addresses: 0,
      masters: 0,
      lent: 0,
      resting: 2,
      notes: 0,
      meta: 1,
    });
    const rests = reopen().resting.map((entry) => `${entry.network} ${formatAddress(entry.address)} ${entry.since}`);
    expect(rests).toEqual(['net 10.0.0.1 5000', 'net 10.0.0.2 5000']);
    await store.expire(5000, 0);
    expect(store.resting).toHaveLength(2);
    await store.expire(5001, 0);
    expect(store.resting).toHaveLength(0);
    expect(reopen().resting).toHaveLength(0);
  });

  test('an address that is taken again rests no more', async () => {
    await store.begin(recordOf('a', ['10.0.0.1']));
    await store.remove(keyOf('a'), 5000);
    expect(await store.begin(recordOf('b', ['10.0.0.1']))).toBeUndefined();
    expect(store.resting).toHaveLength(0);
    expect(store.counts()).toMatchObject({ resting: 0, addresses: 1 });
  });

  test('finish of what is not pending, and changes of what does not exist, are errors', async () => {
    await expect(store.finish(keyOf('nobody'), [], result)).rejects.toThrow('net/nobody/net1');
    await store.begin(recordOf('a', ['10.0.0.1']));
    await store.startDelete(keyOf('a'));
    await expect(store.finish(keyOf('a'), [], result)).rejects.toThrow('deleting');
  });
});

describe('refusals change nothing', () => {
  test('an address that another holds', async () => {
    await store.begin(recordOf('a', ['10.0.0.1', '10.0.0.2']));
    const before = store.counts();
    const conflict = await store.begin(recordOf('b', ['10.0.0.3', '10.0.0.2']));
    expect(conflict).toEqual({ kind: 'address', address: { family: 4, value: 0x0a000002n } });
    expect(store.counts()).toEqual(before);
    expect(await store.begin(recordOf('b', ['10.0.0.2'], { network: 'other' }))).toBeUndefined();
  });

  test('an attachment that exists', async () => {
    await store.begin(recordOf('a', ['10.0.0.1']));
    expect(await store.begin(recordOf('a', ['10.0.0.9']))).toEqual({ kind: 'attachment' });
    expect(store.counts()).toMatchObject({ attachments: 1, addresses: 1 });
  });

  test('a master in another kind or mode: names what holds it; free again when its last user is gone', async () => {
    const held = { kind: 'ipvlan', mode: 'l3' } as const;
    await store.begin(recordOf('a', ['10.0.0.1'], { master: held }));
    await store.begin(recordOf('b', ['10.0.0.2'], { master: held }));
    const refusal = { kind: 'master', nic: 'eth1', held: { nic: 'eth1', ...held, exclusive: false }, network: 'net' };
    for (const master of [
      { kind: 'ipvlan', mode: 'l2' },
      { kind: 'macvlan', mode: 'bridge' },
    ] as const) {
      expect(await store.begin(recordOf('c', ['10.1.0.1'], { network: 'other', master }))).toEqual(refusal);
    }
    await store.remove(keyOf('a'), 1);
    await store.startDelete(keyOf('b'));
    const macvlan = recordOf('c', ['10.1.0.1'], { network: 'other' });
    expect(await store.begin(macvlan)).toEqual(refusal);
    await store.remove(keyOf('b'), 1);
    expect(await store.begin(macvlan)).toBeUndefined();
  });

  test('an ADD that started before a DEL that was seen; a later DEL note is not lowered by an earlier one', async () => {
    const stamp = (ns: bigint) => ({ bootId: testBoot, ns });
    await store.noteDelete(keyOf('a'), stamp(50n), 1000);
    await store.noteDelete(keyOf('a'), stamp(20n), 1001);
    expect(await reopen().begin(recordOf('a', ['10.0.0.1'], { ns: 49n }))).toEqual({ kind: 'deleted' });
    expect(await store.begin(recordOf('a', ['10.0.0.1'], { ns: 50n }))).toBeUndefined();
    await store.noteDelete(keyOf('b'), stamp(50n), 1000);
    await store.expire(0, 1001);
    expect(await store.begin(recordOf('b', ['10.0.0.2'], { ns: 49n }))).toBeUndefined();
  });
});

test('a lent NIC is a row with all that it was, beyond its attachment, until it is returned; no second one', async () => {
  const lent = lentNic('eth1', 'a');
  const alone = { kind: 'host-device', mode: '', exclusive: true } as const;
  expect(await store.begin(recordOf('a', ['10.0.0.1'], { master: alone }), [lent])).toBeUndefined();
  expect([...reopen().lent]).toEqual([['eth1', lent]]);
  await store.remove(keyOf('a'), 1);
  const second = recordOf('b', ['10.0.0.2'], { master: alone });
  expect(await store.begin(second, [lentNic('eth7', 'b'), lentNic('eth1', 'b')])).toEqual({ kind: 'lent', lent });
  expect(store.counts()).toMatchObject({ attachments: 0, addresses: 0, masters: 0, lent: 1 });
  expect([...store.lent.keys()]).toEqual(['eth1']);
  await store.returned('eth1');
  expect(store.lent.size).toBe(0);
  expect(await reopen().begin(second, [lentNic('eth1', 'b')])).toBeUndefined();
});

describe('group commit', () => {
  test('of calls that arrive together the bad ones fail alone', async () => {
    await store.begin(recordOf('held', ['10.9.0.1']));
    const answers = await Promise.allSettled([
      store.begin(recordOf('a', ['10.0.0.1', '10.0.0.2'])),
      store.begin(recordOf('b', ['10.0.0.3', '10.0.0.2'])),
      store.finish(keyOf('nobody'), [], result),
      store.begin(recordOf('c', ['10.0.0.3'])),
      store.begin(recordOf('d', ['10.0.0.4', '10.9.0.1'])),
      store.remove(keyOf('held'), 7),
    ]);
    expect(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value?.kind : answer.status))).toEqual([
      undefined,
      'address',
      'rejected',
      undefined,
      'address',
      undefined,
    ]);
    for (const look of [() => store, reopen]) {
      const found = look();
      expect([...found.attachments.keys()].sort()).toEqual(['net/a/net1', 'net/c/net1']);
      expect(found.counts()).toMatchObject({ attachments: 2, addresses: 3, masters: 3, resting: 1 });
    }
  });

  test('memory shows nothing before the commit', async () => {
    const pending = store.begin(recordOf('a', ['10.0.0.1']));
    expect(store.attachments.size).toBe(0);
    await pending;
    expect(store.attachments.size).toBe(1);
  });

  test('a NIC that one attachment has alone is refused to every other, and one in use is not lent', async () => {
    const alone = { kind: 'host-device', mode: '', exclusive: true };
    const shared = { kind: 'host-device', mode: '' };
    expect(await store.begin(recordOf('a', ['10.0.0.1'], { master: alone }))).toBeUndefined();
    const refusal = { kind: 'master', nic: 'eth1', held: { nic: 'eth1', ...alone }, network: 'net' };
    expect(await store.begin(recordOf('b', ['10.0.0.2'], { master: alone }))).toEqual(refusal);
    expect(await store.begin(recordOf('c', ['10.0.0.3'], { master: shared }))).toEqual(refusal);
    await store.remove(keyOf('a'), 1);
    expect(await store.begin(recordOf('d', ['10.0.0.4'], { master: shared }))).toBeUndefined();
    expect(await store.begin(recordOf('e', ['10.0.0.5'], { master: alone }))).toMatchObject({ kind: 'master' });
  });

  test('two first users of a master in one group: one wins', async () => {
    const answers = await Promise.all([
      store.begin(recordOf('a', ['10.0.0.1'], { master: { kind: 'ipvlan', mode: 'l3' } })),
      store.begin(recordOf('b', ['10.0.0.2'], { master: { kind: 'ipvlan', mode: 'l2' } })),
    ]);
    expect(answers.map((answer) => answer?.kind)).toEqual([undefined, 'master']);
  });

  test('a thousand at once: all there, no address twice', async () => {
    await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        store.begin(recordOf(`c${n}`, [addressText(2 * n), addressText(2 * n + 1)])),
      ),
    );
    expect(reopen().counts()).toMatchObject({ attachments: 1000, addresses: 2000 });
  });
});

describe('the disk', () => {
  const turns: unknown[] = [];
  const note = (message: unknown): void => {
    const { what, path }: { readonly what?: unknown; readonly path?: unknown } = Object(message);
    // Stores of other tests may be ending.
    if (path === join(folder, 'store.db-wal')) turns.push(what);
  };
  beforeEach(() => {
    turns.length = 0;
    subscribe('multinic.disk', note);
  });
  afterEach(() => void unsubscribe('multinic.disk', note));

  test('takes a new attachment at once, beside what its writer does; synced waits for it', async () => {
    await store.begin(recordOf('a', ['10.0.0.1']));
    // Its writer goes on first, for one turn of the event loop.
    expect(turns).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(turns[0]).toBe('start');
    await store.synced();
    expect(turns).toEqual(['start', 'end']);
    await store.remove(keyOf('a'), 1);
    expect(turns).toEqual(['start', 'end', 'start', 'end']);
  });

  test('takes what nobody waits for when somebody does, and else a moment later', async () => {
    await store.begin(recordOf('a', ['10.0.0.1']));
    await store.begin(recordOf('b', ['10.0.0.2']));
    await store.synced();
    turns.length = 0;
    await store.finish(keyOf('a'), [], result);
    expect(turns).toEqual([]);
    await store.synced();
    expect(turns).toEqual(['start', 'end']);
    await store.finish(keyOf('b'), [], result);
    await expect.poll(() => turns, { timeout: 10_000 }).toEqual(['start', 'end', 'start', 'end']);
  });

  test('commits of many turns that come while it is busy share the next', async () => {
    const waited = Array.from({ length: 20 }, async (_, n) => {
      await new Promise((resolve) => setImmediate(resolve));
      await store.set(`text ${n}`, 'x');
    });
    await Promise.all(waited);
    expect(turns.length).toBeLessThan(40);
    expect(turns.length % 2).toBe(0);
  });

  test('that failed is not believed again: what is written says so to all who wait', async () => {
    const db = new DatabaseSync(join(folder, 'other.db'));
    migrate(db);
    // Linux syncs no device of this kind.
    const failing = createStore(db, testBoot, createDiskSync('/dev/null'));
    expect(await failing.begin(recordOf('a', ['10.0.0.1']))).toBeUndefined();
    await expect(failing.synced()).rejects.toThrow('see to the disk of this host');
    await expect(failing.set('plan', 'x')).rejects.toMatchObject({
      code: code.io,
      message: expect.stringContaining('/dev/null cannot be put on disk'),
    });
    failing.close();
  });
});

test('named texts survive, and can be taken back', async () => {
  await store.set('plan', '{"x":1}');
  expect(reopen().get('plan')).toBe('{"x":1}');
  await store.set('plan', undefined);
  expect(store.get('plan')).toBeUndefined();
});
