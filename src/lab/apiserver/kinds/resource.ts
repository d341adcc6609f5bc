import type { Cause } from '../cause.ts';
import type { KubeRecord } from '../object.ts';
import type { StructuralSchema } from './structural.ts';

/** A column of a Table answer. */
export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** 0: always; above: only with `-o wide`. */
  readonly priority: number;
  /** The cell of one object; `now` in ms since the epoch. */
  readonly cell: (object: KubeRecord, now: number) => unknown;
}

/** One served resource: everything that requests, discovery and tables need to know about it. */
export interface Resource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** `/status` exists, and the main resource leaves status alone. */
  readonly statusSubresource: boolean;
  /** PUT and PATCH of /status also change labels and annotations (built-in kinds; Multus relies on it for pods). */
  readonly statusTakesMetadata: boolean;
  /** metadata.generation counts changes of the spec. */
  readonly counted: boolean;
  /** A built-in kind: strategic merge patch, PUT without resourceVersion. */
  readonly builtIn: boolean;
  /** Field paths (beyond metadata.name and metadata.namespace) that fieldSelector may name. */
  readonly selectableFields: readonly string[];
  readonly columns: readonly TableColumn[];
  /** Schema of a custom resource; without it fields are neither pruned nor checked. */
  readonly schema?: StructuralSchema;
  /** Everything that is wrong with an object that is about to be stored. */
  readonly validate?: (object: KubeRecord) => readonly Cause[];
  /** Last touch on a new object, for fields that the server sets (namespace phase, CRD conditions). */
  readonly onCreate?: (object: KubeRecord) => KubeRecord;
  /** The same for a changed object. */
  readonly onUpdate?: (object: KubeRecord, old: KubeRecord) => KubeRecord;
}

/** `group/version`, or `v1` for the core group. */
export function groupVersion(resource: { group: string; version: string }): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `plural.group`, or the plural alone in the core group: the name in messages, and the table in the store. */
export function resourceId(resource: { group: string; plural: string }): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
