import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import type { Change } from '../../../src/kube/copy/cache.ts';
import { type ReflectorOptions, startReflector } from '../../../src/kube/copy/reflector.ts';
import { silent } from '../../../src/kube/logger.ts';
import { type FakeApi, startFakeApi } from '../../support/kube/fake-api.ts';

const ref = { group: 'example.org', version: 'v1', plural: 'things' };
const collection = '/apis/example.org/v1/things';

let api: FakeApi;
let client: KubeClient;
let stop: AbortController;
let changes: Change<string>[];

beforeEach(async () => {
  api = await startFakeApi();
  client = createClient({
    cluster: { server: api.url, tls: {}, authorization: () => Promise.resolve(undefined) },
    userAgent: 'test/1',
  });
  stop = new AbortController();
  changes = [];
});

afterEach(async () => {
  stop.abort();
  await client.close();
  await api.close();
});

function reflect(more: Partial<ReflectorOptions<string>> = {}) {
  const reflector = startReflector<string>({
    client,
    ref,
    signal: stop.signal,
    logger: silent,
    project: (object) => `${object.metadata.name}@${object.metadata.resourceVersion}`,
    random: () => 0,
    ...more,
  });
  reflector.onChange((change) => changes.push(change));
  return reflector;
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 20_000, interval: 10 });
const lists = (): string[] => api.requests.filter((r) => !r.includes('watch=true'));
const watches = (): string[] => api.requests.filter((r) => r.includes('watch=true'));
const fromOf = (request: string | undefined): string | null =>
  new URLSearchParams(request?.split('?')[1]).get('resourceVersion');

describe('reflector', () => {
  it('lists in pages from the cache of the server, then watches with bookmarks and a random time', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) api.put(name);
    const reflector = reflect({ pageSize: 2 });
    await reflector.synced;
    expect(reflector.hasSynced).toBe(true);
    expect(reflector.list()).toEqual(['a@2', 'b@3', 'c@4', 'd@5', 'e@6']);
    expect(changes.map((c) => c.key)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(lists()).toEqual([
      `GET ${collection}?resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=2`,
      `GET ${collection}?continue=2&limit=2`,
      `GET ${collection}?continue=4&limit=2`,
    ]);
    await until(() => expect(watches()).toHaveLength(1));
    expect(watches()[0]).toBe(
      `GET ${collection}?watch=true&allowWatchBookmarks=true&resourceVersion=6&timeoutSeconds=300`,
    );
    expect(reflector.lastHeard).toBeGreaterThan(0);
  });

  it('sends its selectors with list and watch', async () => {
    reflect({ labelSelector: 'a=b', fieldSelector: 'metadata.name=x' });
    await until(() => expect(api.requests).toHaveLength(2));
    for (const request of api.requests) {
      expect(request).toContain('labelSelector=a%3Db');
      expect(request).toContain('fieldSelector=metadata.name%3Dx');
    }
  });

  it('reports (old, new) of every change, and what is known to a late handler', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    api.put('a');
    api.remove('a');
    api.put('b');
    await until(() => expect(changes).toHaveLength(4));
    expect(changes).toEqual([
      { key: 'a', new: 'a@2' },
      { key: 'a', old: 'a@2', new: 'a@3' },
      { key: 'a', old: 'a@3' },
      { key: 'b', new: 'b@5' },
    ]);
    const late: Change<string>[] = [];
    reflector.onChange((change) => late.push(change));
    expect(late).toEqual([{ key: 'b', new: 'b@5' }]);
  });

  it('catches up by a list of the newest state, begun after the last call', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.stall(true);
    const first = reflector.catchUp();
    await until(() => expect(lists()).toHaveLength(2));
    const second = reflector.catchUp();
    api.put('a');
    await until(() => expect(lists()).toHaveLength(3));
    api.stall(false);
    await Promise.all([first, second]);
    expect(reflector.list()).toEqual(['a@2']);
    expect(lists().slice(1).map(fromOf)).toEqual([null, null]);
    api.put('b');
    await until(() => expect(reflector.list()).toEqual(['a@2', 'b@3']));
  });

  it('a handler that throws is reported and holds up nothing', async () => {
    const error = vi.fn();
    const reflector = reflect({ logger: { ...silent, error } });
    reflector.onChange(() => {
      throw new Error('bug in a handler');
    });
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    api.put('b');
    await until(() => expect(reflector.size).toBe(2));
    expect(error).toHaveBeenCalledTimes(2);
  });

  it('after a clean close goes on from the newest version, bookmarks included, without a list', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    api.elsewhere();
    api.elsewhere();
    api.bookmark();
    await until(() => expect(reflector.size).toBe(1));
    api.closeWatches();
    api.put('b');
    await until(() => expect(reflector.size).toBe(2));
    expect(lists()).toHaveLength(1);
    expect(fromOf(watches()[1])).toBe('4');
  });

  it.each(['resetMidLine', 'sendGarbage'] as const)('survives %s and loses nothing', async (fault) => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    await until(() => expect(reflector.size).toBe(1));
    api[fault]();
    await until(() => expect(api.openWatches).toBe(0));
    api.put('b');
    api.remove('a');
    await until(() => expect(reflector.list()).toEqual(['b@3']));
    expect(lists()).toHaveLength(1);
    expect(changes.map((c) => [c.key, c.new === undefined])).toEqual([
      ['a', false],
      ['b', false],
      ['a', true],
    ]);
  });

  it.each(['status', 'event'] as const)(
    'too old a version (410 as %s) makes it list again and find what it missed',
    async (how) => {
      api.put('gone');
      api.put('kept');
      const reflector = reflect();
      await until(() => expect(api.openWatches).toBe(1));
      api.stall(true);
      api.closeWatches();
      api.remove('gone');
      api.put('new');
      api.compact(how);
      api.stall(false);
      await until(() => expect(reflector.list()).toEqual(['kept@3', 'new@5']));
      expect(lists()).toHaveLength(2);
      // Not from the cache of the server: it may be what is behind.
      expect(fromOf(lists()[1])).toBeNull();
      expect(changes.slice(2)).toEqual([
        { key: 'gone', old: 'gone@2' },
        { key: 'new', new: 'new@5' },
      ]);
    },
  );

  it('a watch that falls silent is given up, and the newest state listed: its version may be one that the server does not know', async () => {
    const reflector = reflect({ idleMs: 300 });
    await until(() => expect(watches().length).toBeGreaterThanOrEqual(3));
    api.put('a');
    await until(() => expect(reflector.size).toBe(1));
    expect(lists().slice(1).map(fromOf)).not.toContain('0');
    // One list for each watch that was given up; the next may have begun.
    expect(lists().length).toBeLessThanOrEqual(watches().length + 1);
  });

  it("at the end of a watch after its time, lists again, from the server's cache but nothing older than it knows", async () => {
    const reflector = reflect({ verifyMs: 1 });
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    await until(() => expect(reflector.size).toBe(1));
    api.closeWatches();
    await until(() => expect(lists()).toHaveLength(2));
    expect(lists()[1]).toContain('resourceVersion=2&resourceVersionMatch=NotOlderThan');
  });

  it('waits out an API server that refuses, and is synced in the end', async () => {
    api.failNext(3, 503);
    api.put('a');
    const reflector = reflect();
    await reflector.synced;
    expect(reflector.list()).toEqual(['a@2']);
    expect(lists()).toHaveLength(4);
  });

  it('a refusal at the reconnect (401, 403) ends nothing', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    // A 401 is tried once more with a fresh token, so two of them are one failure.
    api.failNext(2, 401);
    api.closeWatches();
    api.put('a');
    await until(() => expect(reflector.size).toBe(1));
    expect(lists()).toHaveLength(1);
  });

  it('does not hammer a server that closes at once', async () => {
    reflect();
    await until(() => expect(api.openWatches).toBe(1));
    for (let i = 0; i < 3; i++) {
      api.closeWatches();
      await until(() => expect(api.openWatches).toBe(1));
    }
    // 3 closes, 3 new watches: no loop in between.
    expect(watches()).toHaveLength(4);
  });

  it('stopped during a back-off, opens nothing any more', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.failNext(1, 500);
    api.closeWatches();
    await until(() => expect(watches()).toHaveLength(2));
    stop.abort();
    await reflector.ended;
    const count = api.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(api.requests).toHaveLength(count);
  });

  it('stopped while watching, closes the watch', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    stop.abort();
    await reflector.ended;
    await until(() => expect(api.openWatches).toBe(0));
  });

  it('takes the answer to our own write before the watch brings it', async () => {
    const reflector = reflect();
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a');
    await until(() => expect(reflector.size).toBe(1));
    reflector.learn({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'a', resourceVersion: '9' } });
    expect(reflector.get('a')).toBe('a@9');
    api.put('a');
    api.put('b');
    await until(() => expect(reflector.has('b')).toBe(true));
    expect(reflector.get('a')).toBe('a@9');
  });

  it('suppresses updates that change nothing that matters', async () => {
    const reflector = startReflector<string>({
      client,
      ref,
      signal: stop.signal,
      logger: silent,
      project: (object) => JSON.stringify(object.metadata.labels ?? {}),
      same: (a, b) => a === b,
    });
    reflector.onChange((change) => changes.push(change));
    await until(() => expect(api.openWatches).toBe(1));
    api.put('a', { x: '1' });
    api.put('a', { x: '1' });
    api.put('a', { x: '2' });
    await until(() => expect(reflector.get('a')).toBe('{"x":"2"}'));
    expect(changes).toHaveLength(2);
  });
});
