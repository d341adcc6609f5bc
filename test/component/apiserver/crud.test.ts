import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, revisionOf, type Suite, startSuite, until } from '../../support/kube-suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

describe('create, read, update, delete', () => {
  test('a created object carries what the server gives it', async () => {
    const { rest, widgets, widget, namespace } = suite;
    const made = await rest.post(widgets, widget('one', { status: { phase: 'made up' } }));
    expect(made.code).toBe(201);
    expect(made.body).toMatchObject({ kind: 'Widget', metadata: { name: 'one', namespace, generation: 1 } });
    expect(at(made.body, 'metadata.uid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(at(made.body, 'metadata.creationTimestamp')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(at(made.body, 'spec')).toEqual({ size: 1, colour: 'red' });
    expect(made.body.status).toBeUndefined();
    expect((await rest.get(`${widgets}/one`)).body).toEqual(made.body);
  });

  test('the same name twice: 409 AlreadyExists; an unknown one: 404 NotFound', async () => {
    const { rest, widgets, widget, group } = suite;
    await rest.post(widgets, widget('twice'));
    const again = await rest.post(widgets, widget('twice'));
    expect(again).toMatchObject({
      code: 409,
      body: { kind: 'Status', reason: 'AlreadyExists', details: { name: 'twice', group, kind: 'widgets' } },
    });
    const none = await rest.get(`${widgets}/none`);
    expect(none).toMatchObject({
      code: 404,
      body: { reason: 'NotFound', message: `widgets.${group} "none" not found` },
    });
    expect((await rest.get(`/apis/${group}/v1/nothings`)).code).toBe(404);
  });

  test('generateName makes different names', async () => {
    const { rest, widgets, widget } = suite;
    const body = { ...widget('x'), metadata: { generateName: 'made-' } };
    const names = [await rest.post(widgets, body), await rest.post(widgets, body)].map((reply) =>
      String(at(reply.body, 'metadata.name')),
    );
    for (const name of names) expect(name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(new Set(names).size).toBe(2);
  });

  test('PUT with the wrong resourceVersion, uid or none is refused', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('put'));
    const next = await rest.put(`${widgets}/put`, { ...body, spec: { size: 2 } });
    expect(next).toMatchObject({ code: 200, body: { metadata: { generation: 2 }, spec: { size: 2, colour: 'red' } } });
    expect(BigInt(revisionOf(next.body))).toBeGreaterThan(BigInt(revisionOf(body)));
    const stale = await rest.put(`${widgets}/put`, { ...body, spec: { size: 3 } });
    expect(stale).toMatchObject({ code: 409, body: { reason: 'Conflict' } });
    const bare = await rest.put(`${widgets}/put`, widget('put'));
    expect(bare).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
    expect(bare.body.message).toContain('metadata.resourceVersion');
    const foreign = {
      ...next.body,
      metadata: { ...Object(next.body.metadata), uid: 'b1c0a9ee-0000-4000-8000-000000000000' },
    };
    expect((await rest.put(`${widgets}/put`, foreign)).code).toBe(409);
    expect((await rest.put(`${widgets}/absent`, widget('absent', { metadata: { resourceVersion: '1' } }))).code).toBe(
      404,
    );
  });

  test('a PUT that changes nothing keeps resourceVersion; labels alone keep generation', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('same'));
    const same = await rest.put(`${widgets}/same`, body);
    expect(revisionOf(same.body)).toBe(revisionOf(body));
    const labelled = await rest.patch(`${widgets}/same`, { metadata: { labels: { a: 'b' } } });
    expect(labelled.body).toMatchObject({ metadata: { generation: 1, labels: { a: 'b' } } });
    expect(revisionOf(labelled.body)).not.toBe(revisionOf(body));
  });

  test('what only the server sets cannot be changed', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('fixed'));
    const metadata = {
      creationTimestamp: '2001-01-01T00:00:00Z',
      generation: 77,
    };
    const changed = await rest.patch(`${widgets}/fixed`, { metadata });
    expect(at(changed.body, 'metadata.creationTimestamp')).toBe(at(body, 'metadata.creationTimestamp'));
    expect(at(changed.body, 'metadata.generation')).toBe(1);
    const deleted = await rest.patch(`${widgets}/fixed`, { metadata: { deletionTimestamp: '2001-01-01T00:00:00Z' } });
    expect(deleted).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  });

  test('status and spec are written apart', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('apart'));
    const status = await rest.put(`${widgets}/apart/status`, { ...body, spec: { size: 9 }, status: { phase: 'On' } });
    expect(status.body).toMatchObject({ metadata: { generation: 1 }, spec: { size: 1 }, status: { phase: 'On' } });
    const main = await rest.put(`${widgets}/apart`, { ...status.body, spec: { size: 4 }, status: { phase: 'Off' } });
    expect(main.body).toMatchObject({ metadata: { generation: 2 }, spec: { size: 4 }, status: { phase: 'On' } });
    const patched = await rest.patch(`${widgets}/apart/status`, {
      metadata: { labels: { no: 'way' } },
      status: { phase: 'Out' },
    });
    expect(patched.body).toMatchObject({ status: { phase: 'Out' } });
    expect(at(patched.body, 'metadata.labels')).toBeUndefined();
    expect((await rest.put(`${widgets}/apart/status`, body)).code).toBe(409);
    expect((await rest.get(`${widgets}/apart/status`)).body).toEqual(patched.body);
  });

  test('without status subresource, status is a field like any other', async () => {
    const { rest, gadgets, gadget } = suite;
    const { body } = await rest.post(gadgets, gadget('plain', { status: { phase: 'On' }, any: { thing: [1, 2] } }));
    expect(body).toMatchObject({ status: { phase: 'On' }, any: { thing: [1, 2] }, metadata: { generation: 1 } });
    const next = await rest.patch(`${gadgets}/plain`, { status: { phase: 'Off' } });
    expect(at(next.body, 'metadata.generation')).toBe(2);
    expect((await rest.get(`${gadgets}/plain/status`)).code).toBe(404);
  });

  test('DELETE answers with the uid and honours preconditions', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('gone'));
    const uid = at(body, 'metadata.uid');
    const other = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      preconditions: { uid: 'b1c0a9ee-0000-4000-8000-000000000000' },
    };
    expect((await rest.delete(`${widgets}/gone`, other)).code).toBe(409);
    const done = await rest.delete(`${widgets}/gone`, { ...other, preconditions: { uid } });
    expect(done).toMatchObject({
      code: 200,
      body: { kind: 'Status', status: 'Success', details: { name: 'gone', uid } },
    });
    expect((await rest.delete(`${widgets}/gone`)).code).toBe(404);
  });

  test('DELETE of a collection takes what the selector matches', async () => {
    const { rest, widgets, widget } = suite;
    await rest.post(widgets, widget('many-1', { metadata: { labels: { many: 'yes' } } }));
    await rest.post(widgets, widget('many-2', { metadata: { labels: { many: 'no' } } }));
    expect((await rest.delete(`${widgets}?labelSelector=many%3Dyes`)).code).toBe(200);
    await until(
      () => rest.get(`${widgets}/many-1`),
      ({ code }) => code === 404,
    );
    expect((await rest.get(`${widgets}/many-2`)).code).toBe(200);
  });

  test('dryRun=All goes through everything and stores nothing', async () => {
    const { rest, widgets, widget } = suite;
    expect((await rest.post(`${widgets}?dryRun=All`, widget('dry'))).code).toBe(201);
    expect((await rest.get(`${widgets}/dry`)).code).toBe(404);
    expect((await rest.post(`${widgets}?dryRun=All`, widget('dry', { spec: { size: 99 } }))).code).toBe(422);
  });

  test('methods and bodies that do not fit are refused with a Status', async () => {
    const { rest, widgets, widget, namespace } = suite;
    expect((await rest.put(widgets, widget('x'))).code).toBe(400);
    expect((await rest.post(widgets, { ...widget('x'), kind: 'Gadget' })).code).toBe(422);
    expect((await rest.post(widgets, widget('x', { metadata: { namespace: `${namespace}-other` } }))).code).toBe(400);
    expect((await rest.post(widgets, widget('x', { metadata: { labels: { a: 1 } } }))).code).toBe(400);
    // A body that is no JSON; not protobuf, at which a real server panics for custom resources.
    const text = await rest.call('POST', widgets, widget('x'), { 'content-type': 'text/plain' });
    expect(text).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
    expect((await rest.post(widgets.replace(namespace, 'no-such-namespace'), widget('x'))).code).toBe(404);
  });
});
