import { ApiError } from '../../../src/lab/apiserver/api-error.ts';
import type { ObjectRequest } from '../../../src/lab/apiserver/request/request.ts';

/** What an API server does to programs for a while. */
export interface Outage {
  readonly name: string;
  /** Which requests it meets. */
  readonly of: 'all' | 'writes' | 'watches';
  /** Refused with this; `silence`: kept without an answer; `away`: nobody listens. */
  readonly how: ApiError | 'silence' | 'away';
  /** Requests that one try of a loop makes at the most: a 401 is tried once more with the token read anew, a 410 lists. */
  readonly callsPerTry?: number;
  /** s of Retry-After. */
  readonly retryAfter?: number;
}

const refusal = (code: number, reason: string, retryAfterSeconds?: number): ApiError =>
  new ApiError(code, reason, `${code} on demand`, retryAfterSeconds === undefined ? undefined : { retryAfterSeconds });

/** s: of Retry-After where one is sent. */
const asked = 45;

export const outages: readonly Outage[] = [
  { name: 'gone', of: 'all', how: 'away' },
  { name: 'silent', of: 'all', how: 'silence' },
  { name: '500', of: 'all', how: refusal(500, 'InternalError') },
  { name: '401', of: 'all', how: refusal(401, 'Unauthorized'), callsPerTry: 2 },
  { name: '404', of: 'all', how: refusal(404, 'NotFound') },
  { name: '429, Retry-After', of: 'all', how: refusal(429, 'TooManyRequests', asked), retryAfter: asked },
  { name: 'watches 410', of: 'watches', how: refusal(410, 'Expired'), callsPerTry: 2 },
  { name: 'writes 409', of: 'writes', how: refusal(409, 'Conflict') },
  { name: 'writes 422', of: 'writes', how: refusal(422, 'Invalid') },
  { name: 'writes 403', of: 'writes', how: refusal(403, 'Forbidden') },
  { name: 'writes 429, Retry-After', of: 'writes', how: refusal(429, 'TooManyRequests', asked), retryAfter: asked },
];

const reads = new Set(['get', 'list', 'watch']);

export function meets({ of }: Outage, { verb }: ObjectRequest): boolean {
  if (of === 'writes') return !reads.has(verb);
  return of === 'all' || verb === 'watch';
}
