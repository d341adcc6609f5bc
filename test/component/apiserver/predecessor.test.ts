import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from '../../../src/api/kinds/index.ts';
import { group } from '../../../src/api/schema.ts';
import { crdOf } from '../../../tools/generate/crds.ts';
import { type Suite, startSuite, until } from '../../support/kube-suite.ts';
import { predecessorObjects } from '../../support/predecessor.ts';

// Every manifest of the predecessor, unmodified: taken, and read back with nothing pruned. On the real server by test/e2e.
const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
let suite: Suite;

beforeAll(async () => {
  suite = await startSuite();
  for (const kind of kinds) expect(await suite.rest.post(crds, crdOf(kind))).toMatchObject({ code: 201 });
});
afterAll(async () => {
  for (const { plural } of kinds) await suite.rest.delete(`${crds}/${plural}.${group}`);
  await suite.close();
});

test.each(predecessorObjects().map((object) => [object.kind, object.metadata.name, object] as const))(
  '%s/%s is stored as it is',
  async (kind, name, object) => {
    const plural = kinds.find((one) => one.kind === kind)?.plural ?? '';
    const url = `/apis/${group}/v1/${plural}`;
    const made = await until(
      () => suite.rest.post(`${url}?fieldValidation=Strict`, object),
      // The kind was defined a moment ago.
      ({ code }) => code !== 404 && code !== 429,
    );
    expect(made).toMatchObject({ code: 201 });
    const { status } = object;
    if (status !== undefined) {
      expect(await suite.rest.put(`${url}/${name}/status`, { ...made.body, status })).toMatchObject({ code: 200 });
    }
    const { body } = await suite.rest.get(`${url}/${name}`);
    expect(body).toMatchObject({ ...object });
    expect(await suite.rest.patch(`${url}/${name}`, { metadata: { finalizers: null } })).toMatchObject({ code: 200 });
    expect(await suite.rest.delete(`${url}/${name}`)).toMatchObject({ code: 200 });
  },
);
