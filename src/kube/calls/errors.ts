import { fieldsOf } from './json.ts';

/** An answer of the API server that is no success, or (code 0, reason `Unreachable` or `Silent`) no answer at all. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0: no answer. */
  readonly code: number;
  /** metav1.Status reason, for example NotFound, Conflict, AlreadyExists, Expired; `Unreachable`; `Silent`: a watch without a line. */
  readonly reason: string;
  /** s to wait before the next try, when the server says so. */
  readonly retryAfter: number | undefined;
  constructor(code: number, reason: string, message: string, retryAfter?: number, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

export function isApiError(error: unknown, code: number, reason?: string): error is ApiError {
  return error instanceof ApiError && error.code === code && (reason === undefined || error.reason === reason);
}

export function isNotFound(error: unknown): error is ApiError {
  return isApiError(error, 404);
}

/** Another writer was faster: read again, decide again. */
export function isConflict(error: unknown): error is ApiError {
  return isApiError(error, 409) && error.reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return isApiError(error, 409, 'AlreadyExists');
}

/** The resourceVersion or continue token is too old: list anew. */
export function isGone(error: unknown): error is ApiError {
  return isApiError(error, 410);
}

/** No answer: refused, reset, timed out. */
export function isUnreachable(error: unknown): error is ApiError {
  return isApiError(error, 0);
}

/** No server's Retry-After is obeyed for longer, ms. */
const longestRetryMs = 300_000;

/** ms that the server asked to wait for before the next try (429, 503); 0: it did not. */
export function retryAfterMs(error: unknown): number {
  if (!(error instanceof ApiError) || error.retryAfter === undefined) return 0;
  return Math.min(error.retryAfter * 1000, longestRetryMs);
}

/**
 * The error of a metav1.Status (or of any body that should have been one).
 * @param retryAfter s, as a header says; without it the Status is asked
 */
export function errorOfStatus(code: number, body: unknown, what: string, retryAfter?: number): ApiError {
  const status = fieldsOf(body);
  const { retryAfterSeconds } = fieldsOf(status['details']);
  const told = typeof retryAfterSeconds === 'number' && retryAfterSeconds > 0 ? retryAfterSeconds : undefined;
  const reason = typeof status['reason'] === 'string' && status['reason'] !== '' ? status['reason'] : `HTTP${code}`;
  const message = typeof status['message'] === 'string' ? status['message'] : `the API server answered ${code}`;
  return new ApiError(code, reason, `${what}: ${message}`, retryAfter ?? told);
}
