import type { KubeObject } from '../api/meta.ts';
import type { KubeClient } from './client.ts';
import { ApiError, errorOfStatus } from './errors.ts';
import { fieldsOf, messageOf, trusted } from './json.ts';
import { nameOf, pathOf, type ResourceRef } from './resource.ts';

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
  /** ms without a byte after which the connection counts as dead: more than the server's bookmark period (60 s). */
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

/** One object may be 3 MB as JSON; a line far beyond is no watch event. */
const maxLine = 16 * 1024 * 1024;

/**
 * Watches once: yields events until the server closes (then it returns) or something breaks (then it throws).
 * @throws ApiError: 410 when the version is too old, code 0 when the connection broke, fell silent or spoke no JSON
 */
export async function* watchOnce(
  client: KubeClient,
  ref: ResourceRef,
  options: WatchOptions,
): AsyncGenerator<WatchEvent, void, undefined> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`silent for ${options.idleMs} ms`)), options.idleMs);
  const signal = AbortSignal.any([options.signal, idle.signal]);
  try {
    const body = await client.stream(pathOf(ref), queryOf(options), signal);
    timer.refresh();
    for await (const line of linesOf(body, () => timer.refresh())) yield eventOf(line, ref);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const reason: unknown = idle.signal.aborted ? idle.signal.reason : error;
    throw new ApiError(0, 'Unreachable', `watch of ${nameOf(ref)} broke: ${messageOf(reason)}`, undefined, error);
  } finally {
    clearTimeout(timer);
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
async function* linesOf(body: AsyncIterable<Uint8Array>, onBytes: () => void): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onBytes();
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
    case 'BOOKMARK':
      return { type, object: trusted<KubeObject>(object) };
    case 'ERROR': {
      const { code } = fieldsOf(object);
      throw errorOfStatus(typeof code === 'number' ? code : 500, object, `watch of ${nameOf(ref)}`);
    }
    default:
      throw new Error(`unknown event type ${JSON.stringify(type)}`);
  }
}
