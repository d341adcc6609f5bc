import { type Fields, fieldAt, fieldsOf, type KubeRecord, listOf, textOf } from '../object.ts';
import { ageOf } from './age.ts';
import { ageColumn, builtInColumns, nameColumn } from './builtin-columns.ts';
import { crdCauses } from './crd-check.ts';
import { jsonPath } from './json-path.ts';
import type { Resource, TableColumn } from './resource.ts';
import { rootSchema, schemaFrom } from './structural.ts';
import { schemaValidator } from './validation.ts';

/** The finalizer that keeps a CRD until its objects are gone. */
export const crdFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

function established(crd: KubeRecord): KubeRecord {
  const spec = fieldsOf(crd.spec);
  const names = fieldsOf(spec.names);
  const kind = String(names.kind);
  const accepted: Fields = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...names };
  const at = crd.metadata.creationTimestamp;
  const stored = listOf(spec.versions)
    .map(fieldsOf)
    .filter((version) => version.storage === true);
  const condition = (type: string, reason: string, message: string): Fields => ({
    type,
    status: 'True',
    lastTransitionTime: at,
    reason,
    message,
  });
  return {
    ...crd,
    spec: { ...spec, names: accepted, conversion: spec.conversion ?? { strategy: 'None' } },
    status: {
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      acceptedNames: accepted,
      storedVersions: stored.map((version) => version.name),
    },
  };
}

/** The CustomResourceDefinition resource itself. A real server takes a moment to establish one; this one does it at once. */
export function crdResource(): Resource {
  return {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    listKind: 'CustomResourceDefinitionList',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    statusSubresource: true,
    statusTakesMetadata: true,
    counted: true,
    builtIn: true,
    selectableFields: [],
    columns: [nameColumn, ...(builtInColumns.CustomResourceDefinition ?? [])],
    validate: crdCauses,
    onCreate: (crd) => {
      const finalizers = [...new Set([...(crd.metadata.finalizers ?? []), crdFinalizer])];
      return established({ ...crd, metadata: { ...crd.metadata, finalizers } });
    },
    onUpdate: (crd, old) => ({ ...established(crd), status: old.status }),
  };
}

function cellOf(type: string, path: string): TableColumn['cell'] {
  const find = jsonPath(path);
  return (object, now) => {
    // kube-apiserver shows the first value only, even of [*].
    const value = find(object)[0];
    if (value === undefined || value === null) return null;
    if (type === 'date') return ageOf(value, now);
    if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
    if (type === 'boolean') return typeof value === 'boolean' ? value : null;
    if (typeof value !== 'number') return null;
    return type === 'integer' ? Math.trunc(value) : value;
  };
}

function columnOf(column: Fields): TableColumn {
  const type = String(column.type);
  const path = String(column.jsonPath);
  return {
    name: String(column.name),
    type,
    ...(typeof column.format === 'string' ? { format: column.format } : {}),
    description: textOf(column.description, `Custom resource definition column (in JSONPath format): ${path}`),
    priority: Number(column.priority ?? 0),
    cell: cellOf(type, path),
  };
}

function strings(value: unknown): string[] {
  return listOf(value).map((item) => textOf(item));
}

function versionResource(spec: Fields, version: Fields): Resource {
  const names = fieldsOf(spec.names);
  const kind = String(names.kind);
  const columns = listOf(version.additionalPrinterColumns).map(fieldsOf);
  const selectable = listOf(version.selectableFields).map(fieldsOf);
  const schema = rootSchema(schemaFrom(fieldAt(version, ['schema', 'openAPIV3Schema'])));
  return {
    group: String(spec.group),
    version: String(version.name),
    kind,
    listKind: textOf(names.listKind, `${kind}List`),
    plural: String(names.plural),
    singular: textOf(names.singular, kind.toLowerCase()),
    shortNames: strings(names.shortNames),
    categories: strings(names.categories),
    namespaced: spec.scope === 'Namespaced',
    statusSubresource: fieldAt(version, ['subresources', 'status']) !== undefined,
    statusTakesMetadata: false,
    counted: true,
    builtIn: false,
    selectableFields: selectable.map((field) => textOf(field.jsonPath).replace(/^\./, '')),
    columns: [nameColumn, ...(columns.length > 0 ? columns.map(columnOf) : [ageColumn])],
    schema,
    validate: schemaValidator(schema),
  };
}

/** The resources that a CRD defines, one for each served version. */
export function resourcesOf(crd: KubeRecord): Resource[] {
  const spec = fieldsOf(crd.spec);
  const versions = listOf(spec.versions).map(fieldsOf);
  return versions.filter((version) => version.served === true).map((version) => versionResource(spec, version));
}
