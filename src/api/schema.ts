import type { ExtendedJSONSchema, FromExtendedSchema } from 'json-schema-to-ts';

/**
 * A rule in CEL that the API server holds writes to (Kubernetes 1.31 and later; the lab's own server does not). Only about fields that
 * the predecessor does not have, and never about how a value changes: a stored object stays updatable. The gate judges all of it too.
 */
export interface Rule {
  readonly rule: string;
  /** What is wrong and what to do. */
  readonly message: string;
  /** Where kubectl shows it, for example `.addressing`. */
  readonly fieldPath?: string;
}

/** The keywords that Kubernetes adds to JSON schema (structural schemas, apiextensions.k8s.io/v1). */
export type KubernetesKeywords = {
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: readonly string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-preserve-unknown-fields'?: true;
  'x-kubernetes-validations'?: readonly Rule[];
};

/** A schema as written in this folder: one literal from which the type, ajv's validator and the CRD come. */
export type Schema = ExtendedJSONSchema<KubernetesKeywords>;

/** The TypeScript type of a schema literal. */
export type Of<S extends Schema> = FromExtendedSchema<KubernetesKeywords, S, { keepDefaultedPropertiesOptional: true }>;

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description?: string;
  /** 1: only with `-o wide`. */
  readonly priority?: 0 | 1;
}

/** One custom resource: everything from which its CRD, its validator and its URL are made. */
export interface Kind<Spec extends Schema = Schema, Status extends Schema = Schema> {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly description: string;
  readonly columns: readonly Column[];
  readonly spec: Spec;
  readonly status: Status;
}

/** API group, version and category of all kinds; every kind is cluster-scoped. */
export const group = 'multinic.fms.io';
export const version = 'v1';
export const apiVersion = `${group}/${version}` as const;
export const category = 'multinic';
