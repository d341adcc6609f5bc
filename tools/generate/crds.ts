import { stringify } from 'yaml';
import { apiVersion, category, group, type Kind, type Schema, version } from '../../src/api/schema.ts';
import type { GeneratedFile } from './file.ts';

const header = '# Generated from src/api/kinds by `npm run generate`: do not edit.\n';

/** crds/: a CustomResourceDefinition for each kind, and a kustomization that lists them. */
export function crdFiles(kinds: readonly Kind[]): readonly GeneratedFile[] {
  const names = kinds.map((kind) => `${group}_${kind.plural}.yaml`);
  const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization', resources: names };
  return [
    ...kinds.map((kind) => ({ path: `crds/${group}_${kind.plural}.yaml`, text: yaml(crdOf(kind)) })),
    { path: 'crds/kustomization.yaml', text: yaml(kustomization) },
  ];
}

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind. */
export function crdOf(kind: Kind): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${kind.plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
        categories: [category],
      },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: objectSchema(kind) },
        },
      ],
    },
  };
}

function objectSchema(kind: Kind): object {
  return {
    type: 'object',
    description: kind.description,
    properties: {
      apiVersion: { type: 'string', description: `${apiVersion}.` },
      kind: { type: 'string', description: `${kind.kind}.` },
      metadata: { type: 'object' },
      spec: structural(kind.spec),
      status: structural(kind.status),
    },
  };
}

/**
 * A schema as the API server takes it: `additionalProperties: false` goes, for the server prunes unknown fields of its own
 * accord and refuses the keyword beside `properties`. Empty `properties` go, for the server drops them, and every `kubectl apply`
 * would find something to configure.
 */
export function structural(schema: Schema): unknown {
  return strip(schema);
}

function strip(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(strip);
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node)
      .filter(([key, value]) => !(key === 'additionalProperties' && value === false))
      .filter(([key, value]) => !(key === 'properties' && isEmpty(value)))
      .map(([key, value]) => [key, strip(value)]),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function yaml(value: object): string {
  return header + stringify(value, { lineWidth: 120, aliasDuplicateObjects: false });
}
