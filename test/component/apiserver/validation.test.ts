import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fieldAt, listOf } from '../../../src/lab/apiserver/object.ts';
import { at, type Suite, startSuite } from '../../support/kube-suite.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

describe('schema', () => {
  test('all problems are named at once, each with its field', async () => {
    const { rest, widgets, widget } = suite;
    const spec = { size: 11, colour: 'blue', name: 'A1', labels: { a: 5 }, parts: [{ id: 1 }, { text: 'x' }] };
    const { code, body } = await rest.post(widgets, widget('bad', { spec }));
    expect(code).toBe(422);
    expect(body).toMatchObject({ reason: 'Invalid', details: { name: 'bad', group: suite.group, kind: 'Widget' } });
    const causes = listOf(at(body, 'details.causes')).map(
      (cause) => `${String(fieldAt(cause, ['field']))} ${String(fieldAt(cause, ['reason']))}`,
    );
    expect(causes).toEqual(
      expect.arrayContaining([
        'spec.size FieldValueInvalid',
        'spec.colour FieldValueNotSupported',
        'spec.name FieldValueInvalid',
        'spec.parts[1].id FieldValueRequired',
      ]),
    );
    expect(causes.some((cause) => cause.startsWith('spec.labels.a FieldValue'))).toBe(true);
    expect(body.message).toContain(`Widget.${suite.group} "bad" is invalid: [`);
  });

  test('a missing required field, a list too long, a duplicate key', async () => {
    const { rest, widgets, widget } = suite;
    expect((await rest.post(widgets, widget('bad', { spec: {} }))).body.message).toContain('spec.size: Required value');
    expect(
      (await rest.post(widgets, widget('bad', { spec: { size: 1, tags: ['a', 'b', 'c'] } }))).body.message,
    ).toContain('spec.tags: Too many: 3: must have at most 2 items');
    expect(
      (await rest.post(widgets, widget('bad', { spec: { size: 1, parts: [{ id: 1 }, { id: 1 }] } }))).body.message,
    ).toContain('spec.parts[1]: Duplicate value');
  });

  test('defaults are filled in, also within lists', async () => {
    const { rest, widgets, widget } = suite;
    const { body } = await rest.post(widgets, widget('defaults', { spec: { size: 1, parts: [{ id: 1 }] } }));
    expect(body.spec).toEqual({ size: 1, colour: 'red', parts: [{ id: 1, text: 'none' }] });
  });

  test('names and labels are checked', async () => {
    const { rest, widgets, widget } = suite;
    expect((await rest.post(widgets, widget('Upper'))).body.message).toContain('metadata.name: Invalid value: "Upper"');
    expect((await rest.post(widgets, widget('label', { metadata: { labels: { a: 'x y' } } }))).body.message).toContain(
      'metadata.labels: Invalid value: "x y"',
    );
    expect((await rest.post(widgets, widget('long', { metadata: { labels: { a: 'x'.repeat(64) } } }))).code).toBe(422);
  });

  test('an object above the limit of the store is refused', async () => {
    const { rest, widgets, widget } = suite;
    const { code } = await rest.post(
      widgets,
      widget('huge', { spec: { size: 1, raw: { text: 'x'.repeat(1_700_000) } } }),
    );
    expect(code).toBe(500);
    expect(
      (await rest.post(widgets, widget('huge', { spec: { size: 1, raw: { text: 'x'.repeat(3_200_000) } } }))).code,
    ).toBe(413);
  });
});

describe('fields that the schema does not know', () => {
  const spec = { size: 1, extra: 1, parts: [{ id: 1, more: true }], raw: { any: { thing: 1 } } };

  test('Strict: 400 that names them all, nothing stored', async () => {
    const { rest, widgets, widget } = suite;
    const { code, body } = await rest.post(`${widgets}?fieldValidation=Strict`, widget('strict', { spec, top: 1 }));
    expect(code).toBe(400);
    for (const field of ['spec.extra', 'spec.parts[0].more', 'top'])
      expect(body.message).toContain(`unknown field "${field}"`);
    expect(body.message).not.toContain('raw');
    expect((await rest.get(`${widgets}/strict`)).code).toBe(404);
  });

  test('Warn (and no word): dropped, with a warning for each', async () => {
    const { rest, widgets, widget } = suite;
    const { code, body, warnings } = await rest.post(`${widgets}?fieldValidation=Warn`, widget('warn', { spec }));
    expect(code).toBe(201);
    expect(body.spec).toEqual({ size: 1, colour: 'red', parts: [{ id: 1, text: 'none' }], raw: { any: { thing: 1 } } });
    expect(warnings.join()).toContain('unknown field \\"spec.extra\\"');
    const silent = await rest.patch(`${widgets}/warn`, { spec: { other: 1 } });
    expect(silent.warnings.join()).toContain('spec.other');
  });

  test('Ignore: dropped without a word', async () => {
    const { rest, widgets, widget } = suite;
    const { code, body, warnings } = await rest.post(`${widgets}?fieldValidation=Ignore`, widget('ignore', { spec }));
    expect(code).toBe(201);
    expect(at(body, 'spec.extra')).toBeUndefined();
    expect(warnings).toEqual([]);
  });
});
