import { ApiError, isConflict, isUnreachable, retryAfterMs } from '../calls/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Queue } from './queue.ts';

/** What a reconcile may ask for: to be called again after `after` ms. */
export interface Again {
  readonly after: number;
}

export type Reconcile = (key: string, signal: AbortSignal) => Promise<Again | undefined>;

export interface ControllerOptions {
  readonly name: string;
  readonly queue: Queue;
  readonly clock: Clock;
  /** Keys worked on at the same time (default 1); one key never twice. */
  readonly workers?: number;
  readonly reconcile: Reconcile;
  /** Called after each, for counting. */
  readonly onReconciled?: (result: ReconcileResult, ms: number) => void;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** `conflict`: another writer was faster, which is no error. */
export type ReconcileResult = 'ok' | 'conflict' | 'error';

/**
 * Works the queue off until the signal is aborted, then resolves. Whatever a reconcile throws is logged and its key is tried again
 * after its back-off; it never ends the controller nor holds up another key.
 */
export async function runController(options: ControllerOptions): Promise<void> {
  const { queue, signal } = options;
  const stop = (): void => queue.close();
  if (signal.aborted) return stop();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.all(Array.from({ length: options.workers ?? 1 }, () => work(options)));
}

async function work(options: ControllerOptions): Promise<void> {
  for (;;) {
    const key = await options.queue.take();
    if (key === undefined) return;
    await workOn(key, options);
  }
}

async function workOn(
  key: string,
  { name, queue, clock, reconcile, onReconciled, logger, signal }: ControllerOptions,
): Promise<void> {
  const started = clock.now();
  try {
    const again = await reconcile(key, signal);
    queue.forget(key);
    if (again !== undefined) queue.addAfter(key, again.after);
    const ms = clock.now() - started;
    onReconciled?.('ok', ms);
    logger.debug({ controller: name, key, ms }, 'reconciled');
  } catch (error) {
    if (signal.aborted) return;
    onReconciled?.(isConflict(error) ? 'conflict' : 'error', clock.now() - started);
    queue.addRateLimited(key, retryAfterMs(error));
    logFailure(error, { controller: name, key, failures: queue.failures(key) }, logger);
  } finally {
    queue.done(key);
  }
}

/** A conflict is the normal way to learn of another writer; an API that is away says so once, not at every try. */
function logFailure(
  error: unknown,
  fields: { readonly controller: string; readonly key: string; readonly failures: number },
  logger: Logger,
): void {
  if (isConflict(error)) logger.debug({ ...fields, err: error.message }, 'another writer was faster: trying again');
  else if (isUnreachable(error) && fields.failures > 1)
    logger.debug({ ...fields, err: error.message }, 'still no answer');
  else if (error instanceof ApiError) logger.warn({ ...fields, err: error.message }, 'reconcile failed: trying again');
  else logger.error({ ...fields, err: error }, 'reconcile threw: trying again');
}
