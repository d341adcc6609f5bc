import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldAt, listOf, textOf } from '../../../src/lab/apiserver/object.ts';
import { at, revisionOf, type Suite, startSuite } from '../../support/kube-suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

describe('patches', () => {
  test('merge patch: null removes, lists are replaced, resourceVersion is honoured', async () => {
    const { rest, widgets, widget } = suite;
    const made = await rest.post(widgets, widget('merge', { spec: { size: 1, name: 'a', tags: ['x', 'y'] } }));
    const { body } = await rest.patch(`${widgets}/merge`, { spec: { name: null, tags: ['z'] } });
    expect(body.spec).toEqual({ size: 1, colour: 'red', tags: ['z'] });
    const stale = { metadata: { resourceVersion: revisionOf(made.body) }, spec: { size: 2 } };
    expect((await rest.patch(`${widgets}/merge`, stale)).code).toBe(409);
    expect((await rest.patch(`${widgets}/merge`, { spec: { size: 99 } })).code).toBe(422);
    expect((await rest.patch(`${widgets}/absent`, {})).code).toBe(404);
  });

  test('JSON patch', async () => {
    const { rest, widgets, widget } = suite;
    await rest.post(widgets, widget('json', { spec: { size: 1, tags: ['x'] } }));
    const operations = [
      { op: 'test', path: '/spec/size', value: 1 },
      { op: 'add', path: '/spec/tags/-', value: 'y' },
      { op: 'replace', path: '/spec/size', value: 3 },
      { op: 'add', path: '/metadata/annotations', value: {} },
      { op: 'add', path: '/metadata/annotations/a~1b', value: 'c' },
      { op: 'move', from: '/spec/tags/0', path: '/spec/tags/1' },
    ];
    const { code, body } = await rest.patch(`${widgets}/json`, operations, 'json-patch');
    expect(code).toBe(200);
    expect(body).toMatchObject({ metadata: { annotations: { 'a/b': 'c' } }, spec: { size: 3, tags: ['y', 'x'] } });
    const failed = await rest.patch(`${widgets}/json`, [{ op: 'test', path: '/spec/size', value: 1 }], 'json-patch');
    expect(failed.code).toBe(422);
    expect((await rest.patch(`${widgets}/json`, [{ op: 'remove', path: '/spec/nothing' }], 'json-patch')).code).toBe(
      422,
    );
  });

  test('strategic merge is for built-in kinds: lists join by their key', async () => {
    const { rest, widgets, widget, namespace } = suite;
    await rest.post(widgets, widget('strategic'));
    expect((await rest.patch(`${widgets}/strategic`, {}, 'strategic-merge-patch')).code).toBe(415);
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    const containers = [
      { name: 'a', image: 'one' },
      { name: 'b', image: 'two' },
    ];
    await rest.post(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod' }, spec: { containers } });
    const patch = { spec: { containers: [{ name: 'b', image: 'three' }] } };
    const { code, body } = await rest.patch(`${pods}/pod`, patch, 'strategic-merge-patch');
    expect(code).toBe(200);
    const images = listOf(at(body, 'spec.containers')).map((container) => fieldAt(container, ['image']));
    expect(images).toEqual(['one', 'three']);
    await rest.delete(`${pods}/pod`, { gracePeriodSeconds: 0 });
  });

  test('server-side apply makes an object, or merges into it and leaves the fields of others', async () => {
    const { rest, widgets, widget } = suite;
    const apply = (body: unknown, query = '?fieldManager=x&force=true') =>
      rest.call('PATCH', `${widgets}/ssa${query}`, body, { 'content-type': 'application/apply-patch+yaml' });
    expect((await apply(widget('ssa'), '')).code).toBe(422);
    expect((await apply(widget('ssa', { metadata: { uid: 'another' } }))).code).toBe(409);
    const spec = { size: 1, parts: [{ id: 1, text: 'a' }] };
    const made = await apply(widget('ssa', { metadata: { labels: { ours: 'yes' } }, spec }));
    expect(made.code).toBe(201);
    const theirs = { metadata: { annotations: { note: 'theirs' } }, spec: { name: 'theirs', size: 5 } };
    await rest.patch(`${widgets}/ssa`, theirs);
    const parts = [{ id: 2, text: 'b' }, ...spec.parts];
    const again = await apply(widget('ssa', { metadata: { labels: { ours: 'yes' } }, spec: { size: 1, parts } }));
    expect(again).toMatchObject({
      code: 200,
      body: {
        metadata: { labels: { ours: 'yes' }, annotations: { note: 'theirs' } },
        spec: { size: 1, name: 'theirs' },
      },
    });
    expect(
      listOf(at(again.body, 'spec.parts'))
        .map((part) => textOf(fieldAt(part, ['text'])))
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['a', 'b']);
    const stale = widget('ssa', { metadata: { resourceVersion: revisionOf(made.body) }, spec: { size: 2 } });
    expect((await apply(stale)).code).toBe(409);
    const same = await apply(widget('ssa', { metadata: { labels: { ours: 'yes' } }, spec: { size: 1, parts } }));
    expect(revisionOf(same.body)).toBe(revisionOf(again.body));
  });
});

describe('tables', () => {
  const accept = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

  test('columns of a custom resource', async () => {
    const { rest, widgets, widget } = suite;
    await rest.post(
      widgets,
      widget('row', { metadata: { labels: { row: 'yes' } }, spec: { size: 7, parts: [{ id: 4 }, { id: 5 }] } }),
    );
    const conditions = [
      { type: 'Other', status: 'False' },
      { type: 'Ready', status: 'True' },
    ];
    await rest.patch(`${widgets}/row/status`, { status: { conditions } });
    const { body } = await rest.call('GET', `${widgets}?labelSelector=row%3Dyes`, undefined, accept);
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    const columns = listOf(body.columnDefinitions).map((column) => [
      fieldAt(column, ['name']),
      fieldAt(column, ['type']),
      fieldAt(column, ['priority']),
    ]);
    expect(columns).toEqual([
      ['Name', 'string', 0],
      ['Size', 'integer', 0],
      ['Ready', 'string', 0],
      ['Parts', 'string', 1],
      ['Age', 'date', 0],
    ]);
    const [row] = listOf(body.rows);
    expect(fieldAt(row, ['cells'])).toEqual(['row', 7, 'True', '4', expect.stringMatching(/^\d+s$/)]);
    expect(fieldAt(row, ['object'])).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'row' } });
  });

  test('a watch of tables: column names come once', async () => {
    const { rest, widgets, widget } = suite;
    const watch = await rest.watch(
      `${widgets}?watch=true&resourceVersion=${revisionOf((await rest.get(widgets)).body)}`,
      accept,
    );
    await rest.post(widgets, widget('tabled'));
    await rest.patch(`${widgets}/tabled`, { spec: { size: 2 } });
    const events = [await watch.next(), await watch.next()];
    watch.stop();
    expect(events.map((event) => event?.object.kind)).toEqual(['Table', 'Table']);
    expect(listOf(events[0]?.object.columnDefinitions).length).toBe(5);
    expect(listOf(events[1]?.object.columnDefinitions).length).toBe(0);
    expect(fieldAt(listOf(events[1]?.object.rows)[0], ['cells'])).toEqual([
      'tabled',
      2,
      null,
      null,
      expect.any(String),
    ]);
  });

  test('metadata only', async () => {
    const { rest, widgets, widget } = suite;
    await rest.post(widgets, widget('meta', { metadata: { labels: { meta: 'yes' } } }));
    const partial = { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' };
    const { body } = await rest.call('GET', `${widgets}?labelSelector=meta%3Dyes`, undefined, partial);
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', items: [{ metadata: { name: 'meta' } }] });
    expect(fieldAt(listOf(body.items)[0], ['spec'])).toBeUndefined();
  });
});
