import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Fields } from '../../../src/lab/apiserver/object.ts';
import { at, type Suite, startSuite, until } from '../../support/kube-suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

const finalizer = 'suite.multinic.test/hold';

async function make(url: string, object: Fields): Promise<Fields> {
  const { code, body } = await suite.rest.post(url, object);
  expect(code, JSON.stringify(body)).toBe(201);
  return body;
}

async function gone(url: string): Promise<void> {
  await until(
    () => suite.rest.get(url),
    ({ code }) => code === 404,
  );
}

describe('finalizers', () => {
  test('hold a deleted object; it goes with the last one', async () => {
    const { rest, widgets, widget } = suite;
    await make(widgets, widget('held', { metadata: { finalizers: [finalizer] } }));
    const deleted = await rest.delete(`${widgets}/held`);
    expect(deleted).toMatchObject({ code: 200, body: { kind: 'Widget', metadata: { generation: 2 } } });
    expect(at(deleted.body, 'metadata.deletionTimestamp')).toMatch(/Z$/);
    const again = await rest.delete(`${widgets}/held`);
    expect(at(again.body, 'metadata.deletionTimestamp')).toBe(at(deleted.body, 'metadata.deletionTimestamp'));
    const more = await rest.patch(`${widgets}/held`, {
      metadata: { finalizers: [finalizer, 'suite.multinic.test/more'] },
    });
    expect(more).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
    expect((await rest.patch(`${widgets}/held`, { spec: { size: 3 } })).code).toBe(200);
    expect((await rest.patch(`${widgets}/held`, { metadata: { finalizers: null } })).code).toBe(200);
    expect((await rest.get(`${widgets}/held`)).code).toBe(404);
  });
});

describe('owner references', () => {
  const owned = (name: string, owner: Fields, extra: Fields = {}): Fields => {
    const { apiVersion, kind } = owner;
    const reference = { apiVersion, kind, name: at(owner, 'metadata.name'), uid: at(owner, 'metadata.uid'), ...extra };
    return suite.widget(name, { metadata: { ownerReferences: [reference] } });
  };

  test('dependents go with their owner, and theirs with them', async () => {
    const { rest, widgets, gadgets, gadget } = suite;
    const owner = await make(gadgets, gadget('owner'));
    const child = await make(widgets, owned('child', owner));
    await make(widgets, owned('grandchild', child));
    await rest.delete(`${gadgets}/owner`);
    await gone(`${widgets}/child`);
    await gone(`${widgets}/grandchild`);
  });

  test('with another owner left they stay, and lose the reference', async () => {
    const { rest, widgets, widget } = suite;
    const one = await make(widgets, widget('owner-1'));
    const two = await make(widgets, widget('owner-2'));
    const both = owned('shared', one);
    const reference = Object(Object(owned('x', two)).metadata).ownerReferences;
    await make(widgets, {
      ...both,
      metadata: { name: 'shared', ownerReferences: [...Object(both.metadata).ownerReferences, ...reference] },
    });
    await rest.delete(`${widgets}/owner-1`);
    const left = await until(
      () => rest.get(`${widgets}/shared`),
      ({ body }) => Object(body.metadata).ownerReferences?.length === 1,
    );
    expect(left.body).toMatchObject({ metadata: { ownerReferences: [{ name: 'owner-2' }] } });
  });

  test('an owner that never was takes the object with it', async () => {
    const { widgets, widget, group } = suite;
    const reference = {
      apiVersion: `${group}/v1`,
      kind: 'Widget',
      name: 'never',
      uid: 'b1c0a9ee-0000-4000-8000-000000000000',
    };
    await make(widgets, widget('orphan', { metadata: { ownerReferences: [reference] } }));
    await gone(`${widgets}/orphan`);
  });

  test('Orphan leaves the dependents', async () => {
    const { rest, widgets, gadgets, gadget } = suite;
    const owner = await make(gadgets, gadget('leaver'));
    await make(widgets, owned('left', owner));
    await rest.delete(`${gadgets}/leaver`, { propagationPolicy: 'Orphan' });
    await gone(`${gadgets}/leaver`);
    const { body } = await rest.get(`${widgets}/left`);
    expect(at(body, 'metadata.ownerReferences')).toBeUndefined();
  });

  test('Foreground keeps the owner until blocking dependents are gone', async () => {
    const { rest, widgets, gadgets, gadget } = suite;
    const owner = await make(gadgets, gadget('waiter'));
    const child = owned('blocker', owner, { blockOwnerDeletion: true });
    await make(widgets, { ...child, metadata: { ...Object(child.metadata), finalizers: [finalizer] } });
    await rest.delete(`${gadgets}/waiter`, { propagationPolicy: 'Foreground' });
    await until(
      () => rest.get(`${widgets}/blocker`),
      ({ body }) => at(body, 'metadata.deletionTimestamp') !== undefined,
    );
    expect(await rest.get(`${gadgets}/waiter`)).toMatchObject({
      code: 200,
      body: { metadata: { finalizers: ['foregroundDeletion'] } },
    });
    await rest.patch(`${widgets}/blocker`, { metadata: { finalizers: null } });
    await gone(`${gadgets}/waiter`);
  });
});

describe('namespaces', () => {
  test('take their objects with them and refuse new ones while they end', async () => {
    const { rest, widgets, widget, namespace } = suite;
    const name = `${namespace}-ending`;
    const inside = widgets.replace(namespace, name);
    const made = await make('/api/v1/namespaces', { metadata: { name } });
    expect(made).toMatchObject({ kind: 'Namespace', status: { phase: 'Active' } });
    await make(inside, widget('held', { metadata: { finalizers: [finalizer] } }));
    await make(inside, widget('free'));
    await rest.delete(`/api/v1/namespaces/${name}`);
    await gone(`${inside}/free`);
    const ending = await until(
      () => rest.get(`/api/v1/namespaces/${name}`),
      ({ body }) => at(body, 'status.phase') === 'Terminating',
    );
    expect(at(ending.body, 'metadata.deletionTimestamp')).toMatch(/Z$/);
    expect(await rest.post(inside, widget('late'))).toMatchObject({ code: 403, body: { reason: 'Forbidden' } });
    await rest.patch(`${inside}/held`, { metadata: { finalizers: null } });
    await gone(`/api/v1/namespaces/${name}`);
  });

  test('default stays', async () => {
    expect((await suite.rest.delete('/api/v1/namespaces/default')).code).toBe(403);
    expect((await suite.rest.get('/api/v1/namespaces/default')).code).toBe(200);
  });
});

describe('CustomResourceDefinitions', () => {
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const definition = (schema: Fields, more: Fields = {}): Fields => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${suite.group}` },
    spec: {
      group: suite.group,
      scope: 'Cluster',
      names: { plural: 'things', kind: 'Thing', shortNames: ['th'], categories: ['suite'] },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
    },
  });

  test('serve their resource and take its objects with them', async () => {
    const { rest, group } = suite;
    const things = `/apis/${group}/v1/things`;
    await make(crds, definition({ type: 'object', properties: { spec: { type: 'object' } } }));
    await until(
      () => rest.get(things),
      ({ code }) => code === 200,
    );
    await until(
      () => rest.get(`/apis/${group}/v1`),
      ({ body }) => JSON.stringify(body).includes('"things"'),
    );
    const { body } = await rest.get(`/apis/${group}/v1`);
    expect(body.resources).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          name: 'things',
          singularName: 'thing',
          shortNames: ['th'],
          categories: ['suite'],
          namespaced: false,
        }),
      ]),
    );
    await make(things, { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name: 'a', finalizers: [finalizer] } });
    await rest.delete(`${crds}/things.${group}`);
    await until(
      () => rest.get(`${things}/a`),
      (reply) => at(reply.body, 'metadata.deletionTimestamp') !== undefined,
    );
    await rest.patch(`${things}/a`, { metadata: { finalizers: null } });
    await gone(`${crds}/things.${group}`);
    await gone(things);
  });

  test.each([
    [
      'additionalProperties false next to properties',
      {
        type: 'object',
        properties: { a: { type: 'object', properties: { b: { type: 'string' } }, additionalProperties: false } },
      },
    ],
    ['a property without type', { type: 'object', properties: { a: { description: 'no type' } } }],
    [
      'additionalProperties next to properties',
      {
        type: 'object',
        properties: {
          a: { type: 'object', properties: { b: { type: 'string' } }, additionalProperties: { type: 'string' } },
        },
      },
    ],
    ['an array without items', { type: 'object', properties: { a: { type: 'array' } } }],
    [
      'a list map key that is not required',
      {
        type: 'object',
        properties: {
          a: {
            type: 'array',
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['k'],
            items: { type: 'object', properties: { k: { type: 'string' } } },
          },
        },
      },
    ],
  ])('are refused with %s', async (_what, schema) => {
    expect(await suite.rest.post(crds, definition(schema))).toMatchObject({ code: 422, body: { reason: 'Invalid' } });
  });

  test('are refused with a column path that cannot be read', async () => {
    const more = { additionalPrinterColumns: [{ name: 'X', type: 'string', jsonPath: 'spec.x' }] };
    expect((await suite.rest.post(crds, definition({ type: 'object' }, more))).code).toBe(422);
  });
});
