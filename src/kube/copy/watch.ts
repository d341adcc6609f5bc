import { messageOf } from '../../api/message-of.ts';
import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../calls/client.ts';
import { ApiError, errorOfStatus } from '../calls/errors.ts';
import { fieldsOf, trusted } from '../calls/json.ts';
import { nameOf, pathOf, type ResourceRef } from '../calls/resource.ts';
import type { Clock } from '../clock.ts';

/** One line of a watch; ERROR lines are thrown as ApiError instead. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: KubeObject;
}

export interface WatchOptions {
  readonly resourceVersion: string;
  /** s after which the server ends the watch. */
  readonly timeoutSeconds: number;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** ms without a whole line after which the connection counts as dead: more than the server's bookmark period (60 s). */
  readonly idleMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The server has taken the watch. */
  readonly onOpen?: () => void;
}

/** One object may be 3 MB as JSON; a line far beyond is no watch event. */
const maxLine = 16 * 1024 * 1024;

/**
 * Watches once: yields events until the server closes (then it returns) or something breaks (then it throws).
 * @throws ApiError: 410 when the version is too old, code 0 when the connection broke, fell silent (reason `Silent`) or spoke no JSON
 */
export async function* watchOnce(
  client: KubeClient,
  ref: ResourceRef,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  const { clock, idleMs } = options;
  const idle = new AbortController();
  const limit = (): (() => void) => clock.after(idleMs, () => idle.abort(new Error(`no line for ${idleMs} ms`)));
  const signal = AbortSignal.any([options.signal, idle.signal]);
  let cancel = limit();
  try {
    const body = await client.stream(pathOf(ref), queryOf(options), signal);
    options.onOpen?.();
    for await (const line of linesOf(body)) {
      cancel();
      // Only whole lines count: bytes that dribble in for ever bring no news.
      cancel = limit();
      yield eventOf(line, ref);
    }
  } catch (error) {
    if (idle.signal.aborted) {
      const { reason } = idle.signal;
      throw new ApiError(0, 'Silent', `watch of ${nameOf(ref)}: ${messageOf(reason)}`, undefined, error);
    }
    if (error instanceof ApiError) throw error;
    throw new ApiError(0, 'Unreachable', `watch of ${nameOf(ref)} broke: ${messageOf(error)}`, undefined, error);
  } finally {
    cancel();
    // Ends the request when the consumer leaves early.
    idle.abort();
  }
}

function queryOf(options: WatchOptions): Record<string, string> {
  return {
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: options.resourceVersion,
    timeoutSeconds: String(options.timeoutSeconds),
    ...(options.labelSelector !== undefined && { labelSelector: options.labelSelector }),
    ...(options.fieldSelector !== undefined && { fieldSelector: options.fieldSelector }),
  };
}

/** Splits a byte stream into its lines; an unfinished last line means that the connection broke in the middle. */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  // Bytes that are no UTF-8 must not come into an object as question marks.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    if (rest.length > maxLine) throw new Error(`a line of more than ${maxLine} characters`);
    for (const line of parts) if (line !== '') yield line;
  }
  if (rest !== '') throw new Error('closed in the middle of an event');
}

function eventOf(line: string, ref: ResourceRef): WatchEvent {
  const { type, object } = fieldsOf(JSON.parse(line));
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK': {
      const { name, resourceVersion } = fieldsOf(fieldsOf(object)['metadata']);
      const named = type === 'BOOKMARK' || (typeof name === 'string' && name !== '');
      // Without its version the watch could not be resumed where it broke.
      if (!named || typeof resourceVersion !== 'string' || resourceVersion === '') {
        throw new Error(`a ${type} event without an object in it`);
      }
      return { type, object: trusted<KubeObject>(object) };
    }
    case 'ERROR': {
      const { code } = fieldsOf(object);
      throw errorOfStatus(typeof code === 'number' ? code : 500, object, `watch of ${nameOf(ref)}`);
    }
    default:
      throw new Error(`unknown event type ${JSON.stringify(type)}`);
  }
}
