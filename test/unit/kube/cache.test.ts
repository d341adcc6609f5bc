import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, createCache } from '../../../src/kube/copy/cache.ts';

const item = (key: string, version: string, value = version) => ({ key, version, value });

describe('versions', () => {
  it('compare as decimal numbers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 90n }), fc.bigInt({ min: 0n, max: 1n << 90n }), (a, b) => {
        expect(Math.sign(compareVersions(String(a), String(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});

describe('object cache', () => {
  it('reports additions, updates with the old value, removals', () => {
    const cache = createCache<string>();
    expect(cache.put(item('a', '5'))).toEqual({ key: 'a', new: '5' });
    expect(cache.put(item('a', '7'))).toEqual({ key: 'a', old: '5', new: '7' });
    expect(cache.remove('a', '9')).toEqual({ key: 'a', old: '7' });
    expect(cache.size).toBe(0);
  });

  it('does not report an update that changes nothing that matters, but keeps it', () => {
    const cache = createCache<{ v: string; n: number }>((a, b) => a.v === b.v);
    cache.put({ key: 'a', version: '1', value: { v: 'x', n: 1 } });
    expect(cache.put({ key: 'a', version: '2', value: { v: 'x', n: 2 } })).toBeUndefined();
    expect(cache.get('a')?.n).toBe(2);
  });

  it('an older event does not take back what our own write was answered with', () => {
    const cache = createCache<string>();
    cache.put(item('a', '5'));
    expect(cache.learn(item('a', '9'))).toEqual({ key: 'a', old: '5', new: '9' });
    expect(cache.put(item('a', '7'))).toBeUndefined();
    expect(cache.get('a')).toBe('9');
    expect(cache.put(item('a', '9'))).toBeUndefined();
    expect(cache.put(item('a', '11'))).toEqual({ key: 'a', old: '9', new: '11' });
  });

  it('the deletion of a predecessor does not take its successor away', () => {
    const cache = createCache<string>();
    cache.put(item('a', '5'));
    cache.learn(item('a', '9'));
    expect(cache.remove('a', '7')).toBeUndefined();
    expect(cache.get('a')).toBe('9');
  });

  it('an answer that arrives after the watch has passed it is ignored', () => {
    const cache = createCache<string>();
    cache.put(item('a', '5'));
    cache.remove('a', '8');
    expect(cache.learn(item('a', '6'))).toBeUndefined();
    expect(cache.has('a')).toBe(false);
  });

  it('our own deletion counts at once, of the version that it deleted only; an older event does not bring it back', () => {
    const cache = createCache<string>();
    cache.put(item('a', '5'));
    expect(cache.forget('a', '4')).toBeUndefined();
    expect(cache.forget('a', '5')).toEqual({ key: 'a', old: '5' });
    expect(cache.put(item('a', '5'))).toBeUndefined();
    expect(cache.remove('a', '6')).toBeUndefined();
    expect(cache.put(item('a', '7'))).toEqual({ key: 'a', new: '7' });
  });

  it('a list replaces all, but not our own newer writes', () => {
    const cache = createCache<string>();
    cache.put(item('stays', '3'));
    cache.put(item('goes', '4'));
    cache.put(item('changes', '5'));
    cache.learn(item('written', '20'));
    const changes = cache.replaceAll([item('stays', '3'), item('changes', '8'), item('new', '9')], '10');
    expect(changes).toEqual([
      { key: 'goes', old: '4' },
      { key: 'changes', old: '5', new: '8' },
      { key: 'new', new: '9' },
    ]);
    expect(cache.keys().sort()).toEqual(['changes', 'new', 'stays', 'written']);
  });

  it('a list with lower versions (etcd restored) counts', () => {
    const cache = createCache<string>();
    cache.put(item('a', '500'));
    expect(cache.replaceAll([item('a', '30')], '40')).toEqual([{ key: 'a', old: '500', new: '30' }]);
    expect(cache.put(item('a', '41'))).toEqual({ key: 'a', old: '30', new: '41' });
  });

  it('model: after all events it holds what the server holds, wherever our answers fall among them', () => {
    const op = fc.record({
      key: fc.constantFrom('a', 'b'),
      kind: fc.constantFrom('write', 'ours', 'delete', 'our delete'),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 30 }), fc.array(fc.nat(5), { maxLength: 30 }), (ops, delays) => {
        const server = new Map<string, string>();
        const cache = createCache<string>();
        const late: { at: number; run: () => void }[] = [];
        ops.forEach((o, i) => {
          const version = String(i + 1);
          const deleted = o.kind.endsWith('delete') ? server.get(o.key) : undefined;
          if (o.kind.endsWith('delete') && deleted === undefined) return;
          if (deleted !== undefined) server.delete(o.key);
          else server.set(o.key, version);
          // The event comes up to five operations later, in order; the answer to our own write at once.
          if (o.kind === 'ours') cache.learn(item(o.key, version));
          if (o.kind === 'our delete' && deleted !== undefined) cache.forget(o.key, deleted);
          const at = Math.max(i + (delays[i] ?? 0), late.at(-1)?.at ?? 0);
          const run =
            deleted !== undefined ? () => cache.remove(o.key, version) : () => cache.put(item(o.key, version));
          late.push({ at, run });
          while (late[0] !== undefined && late[0].at <= i) late.shift()?.run();
        });
        for (const { run } of late) run();
        expect(Object.fromEntries(cache.keys().map((k) => [k, cache.get(k)]))).toEqual(Object.fromEntries(server));
      }),
    );
  });
});
