import { createHash } from 'node:crypto';
import { type Fields, isFields } from '../object.ts';
import type { Registry } from './registry.ts';
import { groupVersion, type Resource } from './resource.ts';

/**
 * Content type of /openapi/v2, whose body is an empty protobuf document: kubectl then validates nothing on its own
 * side; without the path `kubectl apply` fails.
 */
export const openapiV2Type = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

function pathOf(version: string): string {
  return version.includes('/') ? `apis/${version}` : `api/${version}`;
}

function versionsOf(registry: Registry): Map<string, Resource[]> {
  return Map.groupBy(registry.all(), groupVersion);
}

/** The index at /openapi/v3: one document for each group and version, under a hash that changes with its content. */
export function openapiIndex(registry: Registry): Fields {
  const paths = [...versionsOf(registry).keys()].map((version): [string, Fields] => {
    const hash = createHash('sha256')
      .update(JSON.stringify(openapiDocument(registry, pathOf(version))))
      .digest('hex');
    return [pathOf(version), { serverRelativeURL: `/openapi/v3/${pathOf(version)}?hash=${hash}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

function schemaName(resource: Resource): string {
  return [...resource.group.split('.').reverse(), resource.version, resource.kind]
    .filter((part) => part !== '')
    .join('.');
}

function schemaOf(resource: Resource): Fields {
  const { group, version, kind } = resource;
  const schema: Fields = isFields(resource.schema) ? resource.schema : { type: 'object' };
  return { ...schema, 'x-kubernetes-group-version-kind': [{ group, version, kind }] };
}

/** The PATCH operation tells kubectl that the server checks fields (fieldValidation) and takes dryRun. */
function pathItem(resource: Resource): Fields {
  const { group, version, kind } = resource;
  const parameter = (name: string): Fields => ({ name, in: 'query', schema: { type: 'string' } });
  const operation = {
    'x-kubernetes-group-version-kind': { group, version, kind },
    responses: {
      '200': {
        description: 'OK',
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(resource)}` } } },
      },
    },
  };
  return {
    get: { ...operation, 'x-kubernetes-action': 'get' },
    patch: {
      ...operation,
      'x-kubernetes-action': 'patch',
      parameters: [parameter('dryRun'), parameter('fieldValidation')],
    },
  };
}

/** The OpenAPI v3 document of `api/v1` or `apis/G/V`, undefined when nothing is served there. */
export function openapiDocument(registry: Registry, path: string): Fields | undefined {
  const resources = [...versionsOf(registry)].find(([version]) => pathOf(version) === path)?.[1];
  if (!resources) return undefined;
  const items = resources.map((resource): [string, Fields] => {
    const scope = resource.namespaced ? '/namespaces/{namespace}' : '';
    return [`/${path}${scope}/${resource.plural}/{name}`, pathItem(resource)];
  });
  return {
    openapi: '3.0.0',
    info: { title: 'multinic lab', version: 'v1.31.0' },
    paths: Object.fromEntries(items),
    components: {
      schemas: Object.fromEntries(resources.map((resource) => [schemaName(resource), schemaOf(resource)])),
    },
  };
}
