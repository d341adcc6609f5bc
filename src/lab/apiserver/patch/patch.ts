import { errors } from '../api-error.ts';
import type { Resource } from '../kinds/resource.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMerge } from './strategic-patch.ts';

/** How patches of a content type are applied: object and patch to the new object. Throws ApiError 415 for other types. */
export function patcher(resource: Resource, contentType: string): (object: unknown, patch: unknown) => unknown {
  switch (contentType) {
    case 'application/merge-patch+json':
      return mergePatch;
    case 'application/json-patch+json':
      return jsonPatch;
    case 'application/strategic-merge-patch+json':
      if (resource.builtIn) return strategicMerge;
      throw errors.unsupportedMediaType(
        `strategic merge patch is not supported for custom resources (${resource.kind}); use application/merge-patch+json`,
      );
    case 'application/apply-patch+yaml':
      throw errors.unsupportedMediaType(
        'this lab API server does not apply to subresources: use a merge patch, or PUT',
      );
    default:
      throw errors.unsupportedMediaType(
        `the body of the request was in an unknown format (${contentType}) - accepted media types include: application/json-patch+json, application/merge-patch+json`,
      );
  }
}
