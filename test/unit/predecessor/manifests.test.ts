import { describe, expect, it } from 'vitest';
import { createSchemaCheck } from '../../../src/cli/check/schema.ts';
import { pathsOf, predecessorFields, predecessorObjects } from '../../support/predecessor.ts';

const objects = predecessorObjects();
const check = createSchemaCheck();

describe('manifests of the predecessor', () => {
  it.each(Object.entries(predecessorFields))('show every field of its %s', (kind, fields) => {
    const shown = new Set(objects.filter((object) => object.kind === kind).flatMap((object) => pathsOf(object)));
    expect(fields.filter((field) => !shown.has(field))).toEqual([]);
  });

  it.each(objects.map((object) => [object.kind, object.metadata.name, object] as const))(
    '%s/%s has no field that ours does not know, and breaks no bound',
    (kind, _, object) => {
      expect(check(kind, object.spec).problems).toEqual([]);
    },
  );
});
