import type { Cause } from './cause.ts';
import { type Resource, resourceId } from './kinds/resource.ts';
import type { Fields } from './object.ts';

/** An answer other than success; `status` is the metav1.Status that goes to the client. */
export class ApiError extends Error {
  readonly code: number;
  readonly status: Fields;
  constructor(code: number, reason: string, message: string, details?: Fields) {
    super(message);
    this.code = code;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details === undefined ? {} : { details }),
      code,
    };
  }
}

function detailsOf(resource: Resource, name: string): Fields {
  return { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural };
}

function conflict(resource: Resource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${resourceId(resource)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(resource, name));
}

export const errors = {
  badRequest: (message: string) => new ApiError(400, 'BadRequest', message),
  unauthorized: () => new ApiError(401, 'Unauthorized', 'Unauthorized'),
  noSuchPath: () => new ApiError(404, 'NotFound', 'the server could not find the requested resource', {}),
  methodNotAllowed: () =>
    new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {}),
  unsupportedMediaType: (message: string) => new ApiError(415, 'UnsupportedMediaType', message),
  tooLarge: (message: string) => new ApiError(413, 'RequestEntityTooLarge', message),
  notFound: (resource: Resource, name: string) =>
    new ApiError(404, 'NotFound', `${resourceId(resource)} "${name}" not found`, detailsOf(resource, name)),
  alreadyExists: (resource: Resource, name: string) =>
    new ApiError(409, 'AlreadyExists', `${resourceId(resource)} "${name}" already exists`, detailsOf(resource, name)),
  forbidden: (resource: Resource, name: string, why: string, causes: readonly Cause[] = []) =>
    new ApiError(403, 'Forbidden', `${resourceId(resource)} "${name}" is forbidden: ${why}`, {
      ...detailsOf(resource, name),
      ...(causes.length > 0 ? { causes } : {}),
    }),
  conflict,
  /** The object is not the one that was meant, but its successor. */
  otherUid: (resource: Resource, name: string, wanted: string, uid = '') =>
    conflict(resource, name, `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`),
  invalid: (resource: Resource, name: string, causes: readonly Cause[]) => {
    const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`;
    const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
    const list = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`;
    const details = { ...detailsOf(resource, name), kind: resource.kind, causes };
    return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, details);
  },
  /** The asked-for resourceVersion is no longer in the history. */
  expired: (asked: number, oldest: number) =>
    new ApiError(410, 'Expired', `too old resource version: ${asked} (${oldest})`),
  expiredContinue: () =>
    new ApiError(
      410,
      'Expired',
      'The provided continue parameter is too old to display a consistent list result; start a new list without it.',
    ),
  /** A list was asked to be at least as new as a resourceVersion that was never given out. */
  tooNew: (asked: number, current: number) =>
    new ApiError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    }),
};
