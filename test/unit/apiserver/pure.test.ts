import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ageOf, humanDuration } from '../../../src/lab/apiserver/kinds/age.ts';
import { jsonPath } from '../../../src/lab/apiserver/kinds/json-path.ts';
import { prune, withDefaults } from '../../../src/lab/apiserver/kinds/structural.ts';
import { sameJson } from '../../../src/lab/apiserver/object.ts';
import { jsonPatch } from '../../../src/lab/apiserver/patch/json-patch.ts';
import { mergePatch } from '../../../src/lab/apiserver/patch/merge-patch.ts';
import { strategicMerge } from '../../../src/lab/apiserver/patch/strategic-patch.ts';
import { resourcePath } from '../../../src/lab/apiserver/request/request.ts';
import { ObjectStore } from '../../../src/lab/apiserver/storage/store.ts';
import { formOf } from '../../../src/lab/apiserver/verbs/form.ts';

describe('jsonPath', () => {
  const object = {
    a: { 'b.c': 1, list: [10, 20, 30] },
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False', n: 3 },
    ],
  };
  test.each([
    ['.a.list', [[10, 20, 30]]],
    ['.a.list[*]', [10, 20, 30]],
    ['.a.list[1]', [20]],
    ['.a.list[-1]', [30]],
    ['.a.b\\.c', [1]],
    [".a['b.c']", [1]],
    ['.conditions[*].type', ['Ready', 'Other']],
    ['.conditions[?(@.type=="Ready")].status', ['True']],
    [".conditions[?(@.type=='Other')].status", ['False']],
    ['.conditions[?(@.n==3)].type', ['Other']],
    ['.conditions[?(@.type=="None")].status', []],
    ['.nothing.at.all', []],
  ])('%s', (path, found) => {
    expect(jsonPath(path)(object)).toEqual(found);
  });
  test.each(['a.b', '.a[', '.a[?(@.x>1)]', '.a..b'])('%s is refused', (path) => {
    expect(() => jsonPath(path)).toThrow('cannot read JSONPath');
  });
});

describe('ages', () => {
  const s = 1000;
  const m = 60 * s;
  const h = 60 * m;
  const d = 24 * h;
  test.each([
    [0, '0s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [5 * m + 30 * s, '5m30s'],
    [12 * m, '12m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [3 * h + 5 * m, '3h5m'],
    [10 * h, '10h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [3 * d + 4 * h, '3d4h'],
    [100 * d, '100d'],
    [800 * d, '2y70d'],
  ])('%i ms is %s', (ms, text) => {
    expect(humanDuration(ms)).toBe(text);
  });
  test('of times that are missing or ahead', () => {
    expect(ageOf(undefined, 0)).toBe('<unknown>');
    expect(ageOf('soon', 0)).toBe('<invalid>');
    expect(ageOf('2026-01-01T00:00:10Z', Date.parse('2026-01-01T00:00:09.5Z'))).toBe('0s');
  });
});

describe('patches', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);

  test('a merge patch without nulls is found again in the result, and again changes nothing', () => {
    const noNull = (value: unknown): boolean => !JSON.stringify(value).includes('null');
    fc.assert(
      fc.property(json, fc.dictionary(fc.string(), json.filter(noNull)), (target, patch) => {
        const once = mergePatch(target, patch);
        expect(sameJson(mergePatch(once, patch), once)).toBe(true);
      }),
    );
  });

  test('JSON patch: what was added is removed again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.string(), json, (target, name, value) => {
        fc.pre(!Object.hasOwn(target, name) && name !== '__proto__');
        const path = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const added = jsonPatch(target, [{ op: 'add', path, value }]);
        expect(sameJson(Object(added)[name], value)).toBe(true);
        expect(sameJson(jsonPatch(added, [{ op: 'remove', path }]), target)).toBe(true);
      }),
    );
  });

  test('JSON patch leaves its input alone and refuses what does not fit', () => {
    const target = { list: [1, 2] };
    expect(jsonPatch(target, [{ op: 'add', path: '/list/0', value: 0 }])).toEqual({ list: [0, 1, 2] });
    expect(target).toEqual({ list: [1, 2] });
    for (const operation of [
      { op: 'remove', path: '/list/2' },
      { op: 'replace', path: '/none', value: 1 },
      { op: 'add', path: '/none/deeper', value: 1 },
      { op: 'test', path: '/list/0', value: 9 },
      { op: 'fly', path: '/list' },
      { op: 'add', path: 'list', value: 1 },
    ]) {
      expect(() => jsonPatch(target, [operation])).toThrow();
    }
  });

  test('strategic merge: keyed lists, directives, sets', () => {
    const target = {
      metadata: { finalizers: ['a', 'b'] },
      spec: { containers: [{ name: 'x', image: '1', env: [{ name: 'E', value: '1' }] }, { name: 'y' }], args: ['1'] },
    };
    const patch = {
      metadata: { '$deleteFromPrimitiveList/finalizers': ['a'], finalizers: ['c'] },
      spec: {
        '$setElementOrder/containers': [{ name: 'z' }, { name: 'x' }],
        containers: [
          { name: 'y', $patch: 'delete' },
          { name: 'x', env: [{ name: 'F', value: '2' }], image: null },
          { name: 'z', image: '3' },
        ],
        args: ['2', '3'],
      },
    };
    expect(strategicMerge(target, patch)).toEqual({
      metadata: { finalizers: ['b', 'c'] },
      spec: {
        containers: [
          { name: 'z', image: '3' },
          {
            name: 'x',
            env: [
              { name: 'E', value: '1' },
              { name: 'F', value: '2' },
            ],
          },
        ],
        args: ['2', '3'],
      },
    });
    expect(strategicMerge({ spec: { a: 1, b: 2 } }, { spec: { $patch: 'replace', c: 3 } })).toEqual({ spec: { c: 3 } });
    expect(strategicMerge({ spec: { a: 1, b: 2 } }, { spec: { $retainKeys: ['a', 'c'], c: 3 } })).toEqual({
      spec: { a: 1, c: 3 },
    });
  });
});

describe('structural schemas', () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'string', default: 'x' },
      nested: { type: 'object', properties: { b: { type: 'integer', default: 1 } } },
      whole: { type: 'object', default: {}, properties: { c: { type: 'string', default: 'y' } } },
      map: { type: 'object', additionalProperties: { type: 'object', properties: { d: { type: 'string' } } } },
      open: {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { e: { type: 'object', properties: {} } },
      },
    },
  };
  test('pruning names what it drops, in maps and below open objects too', () => {
    const unknown: string[] = [];
    const value = { a: '1', z: 1, nested: { y: 1 }, map: { k: { d: '', x: 1 } }, open: { any: 1, e: { w: 1 } } };
    expect(prune(schema, value, '', unknown)).toEqual({
      a: '1',
      nested: {},
      map: { k: { d: '' } },
      open: { any: 1, e: {} },
    });
    expect(unknown).toEqual(['z', 'nested.y', 'map.k.x', 'open.e.w']);
  });
  test('defaults reach as deep as the value does', () => {
    expect(withDefaults(schema, {})).toEqual({ a: 'x', whole: { c: 'y' } });
    expect(withDefaults(schema, { a: null, nested: {} })).toEqual({ a: 'x', nested: { b: 1 }, whole: { c: 'y' } });
  });
});

describe('requests', () => {
  test.each([
    ['/api/v1/namespaces', { group: '', version: 'v1', plural: 'namespaces' }],
    ['/api/v1/namespaces/x', { group: '', version: 'v1', plural: 'namespaces', name: 'x' }],
    [
      '/api/v1/namespaces/x/status',
      { group: '', version: 'v1', plural: 'namespaces', name: 'x', subresource: 'status' },
    ],
    ['/api/v1/namespaces/x/pods', { group: '', version: 'v1', plural: 'pods', namespace: 'x' }],
    [
      '/api/v1/namespaces/x/pods/y/status',
      { group: '', version: 'v1', plural: 'pods', namespace: 'x', name: 'y', subresource: 'status' },
    ],
    ['/apis/g.io/v1/things/y', { group: 'g.io', version: 'v1', plural: 'things', name: 'y' }],
    ['/apis/g.io/v1', undefined],
    ['/healthz', undefined],
    ['/apis/g.io/v1/things/y/status/z', undefined],
  ])('%s', (path, parsed) => {
    expect(resourcePath(path)).toEqual(parsed);
  });

  test('the form is the first acceptable one', () => {
    expect(formOf('application/json;as=Table;v=v1;g=meta.k8s.io,application/json', null)).toEqual({
      as: 'Table',
      version: 'v1',
      include: 'Metadata',
    });
    expect(formOf('application/json, application/json;as=Table;v=v1;g=meta.k8s.io', 'Object').as).toBe('Object');
    expect(formOf('application/vnd.kubernetes.protobuf,application/json', null).as).toBe('Object');
    expect(
      formOf('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json', null).as,
    ).toBe('Object');
    expect(formOf(undefined, null).as).toBe('Object');
  });
});

describe('the store', () => {
  const object = (name: string) => ({ apiVersion: 'v1', kind: 'Thing', metadata: { name } });

  test('keeps the last changes, and says when older ones are asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 100 }), (length, changes) => {
        const store = new ObjectStore(1000, length);
        for (let i = 0; i < changes; i++) store.put('things', object(`o${i % 7}`));
        const from = 1000 + Math.max(0, changes - length);
        expect(store.since(from).map((event) => event.revision)).toEqual(
          Array.from({ length: Math.min(changes, length) }, (_, i) => from + 1 + i),
        );
        expect(store.since(store.revision)).toEqual([]);
        if (changes > 2 * length) expect(() => store.since(1000)).toThrow('too old resource version: 1000');
      }),
    );
  });

  test('a compaction forgets, a listener hears everything in order, once', () => {
    const store = new ObjectStore(0, 10);
    const heard: string[] = [];
    const stop = store.subscribe(({ type, revision }) => heard.push(`${type} ${revision}`));
    store.put('things', object('a'));
    store.put('things', object('a'));
    store.remove('things', '/a');
    expect(store.remove('things', '/a')).toBeUndefined();
    stop();
    store.put('things', object('b'));
    expect(heard).toEqual(['ADDED 1', 'MODIFIED 2', 'DELETED 3']);
    store.compact();
    expect(() => store.since(3)).toThrow('too old');
    expect(store.since(4)).toEqual([]);
    expect(store.list('things').map(({ metadata }) => metadata.resourceVersion)).toEqual(['4']);
  });
});
