import { ApiError, errors } from '../api-error.ts';
import { metaCauses } from '../kinds/meta-check.ts';
import type { Resource } from '../kinds/resource.ts';
import type { KubeRecord } from '../object.ts';
import type { FieldValidation } from './decode.ts';

export interface WriteOptions {
  readonly validation: FieldValidation;
  /** Go through everything, store nothing. */
  readonly dryRun: boolean;
}

export interface Written {
  readonly object: KubeRecord;
  readonly warnings: readonly string[];
}

/** What etcd takes at most for one object, in bytes. */
const objectLimit = 1.5 * 1024 * 1024;

/** What every object passes before it is stored. Throws ApiError 422 with all that is wrong, 500 for one that etcd would not take. */
export function check(resource: Resource, object: KubeRecord): void {
  const causes = [...metaCauses(resource, object), ...(resource.validate?.(object) ?? [])];
  if (causes.length > 0) throw errors.invalid(resource, object.metadata.name, causes);
  if (Buffer.byteLength(JSON.stringify(object)) > objectLimit) {
    throw new ApiError(500, 'InternalError', 'etcdserver: request is too large');
  }
}
