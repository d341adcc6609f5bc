import { Agent, type Dispatcher, request } from 'undici';
import { messageOf } from '../../api/message-of.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Cluster } from './config.ts';
import { ApiError, errorOfStatus } from './errors.ts';
import { trusted } from './json.ts';
import { guardWrites } from './wire-guard.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** ms for the whole call; the client's limit when absent. */
  readonly timeoutMs?: number;
}

/** One request and what came of it, for counting. */
export interface CallOutcome {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly watch: boolean;
  /** HTTP status; 0: no answer. */
  readonly code: number;
  /** Until the head of the answer. */
  readonly ms: number;
}

export interface TransportOptions {
  readonly cluster: Cluster;
  /** For example multinic-daemon/0.1.0. */
  readonly userAgent: string;
  /** ms for one call (default 30,000). */
  readonly timeoutMs?: number;
  /** Measures the time limits. */
  readonly clock?: Clock;
  /** Called whenever the server has answered us, a 401 not counted. */
  readonly onHeard?: () => void;
  /** Called when a request was answered or given up; not for what was called off, or not sent at all. */
  readonly onCall?: (outcome: CallOutcome) => void;
  /** Asked before the first byte of all but reads; false: nothing is sent (ApiError, code 0, reason NotLeading). */
  readonly mayWrite?: () => boolean;
}

/** One request. */
export interface Call extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  /** What errors call it. */
  readonly what: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** Requests to one API server, each with a time limit and a token that is fresh. */
export interface Transport {
  /** The whole answer, parsed. @throws ApiError and nothing else */
  readonly json: <T>(call: Call) => Promise<T>;
  /** An answer that does not end: the time limit holds for its head only. @throws ApiError and nothing else */
  readonly open: (call: Call) => Promise<Dispatcher.ResponseData['body']>;
  /** Ends all connections, open answers included. */
  readonly close: () => Promise<void>;
}

const connectTimeoutMs = 10_000;
/** Bodies of API servers end at 3 MB an object; a page of 500 may be that much more. */
const maxErrorBody = 65_536;

export function createTransport(options: TransportOptions): Transport {
  const { cluster, userAgent, onHeard, onCall } = options;
  const limit = options.timeoutMs ?? 30_000;
  const clock = options.clock ?? systemClock();
  // HTTP/1.1: over one HTTP/2 connection the watches' flow control and one stalled connection would hold up every call.
  // No limit of connections: watches hold one each, and the number of calls is bounded by the callers' workers.
  const agent = new Agent({
    allowH2: false,
    keepAliveTimeout: 30_000,
    connect: { timeout: connectTimeoutMs, keepAlive: true, ...cluster.tls },
    bodyTimeout: 0,
    headersTimeout: 0,
  });
  const dispatcher = options.mayWrite === undefined ? agent : agent.compose(guardWrites(options.mayWrite));

  async function send(call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const attempt = async (renew: boolean): Promise<Dispatcher.ResponseData> => {
      const authorization = await cluster.authorization(renew);
      return request(`${cluster.server}${call.path}${queryText(call.query)}`, {
        dispatcher,
        method: call.method,
        signal,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...(authorization !== undefined && { authorization }),
          ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      });
    };
    const started = performance.now();
    const count = (code: number): void => {
      const { method, path, query } = call;
      onCall?.({ method, path, watch: query?.['watch'] === 'true', code, ms: performance.now() - started });
    };
    try {
      let answer = await attempt(false);
      if (answer.statusCode === 401) {
        await answer.body.dump();
        answer = await attempt(true);
      }
      count(answer.statusCode);
      if (answer.statusCode !== 401) onHeard?.();
      if (answer.statusCode < 400) return answer;
      throw await refusal(answer, call.what);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (call.signal?.aborted !== true) count(0);
      throw unreachable(error, call.what, cluster.server);
    }
  }

  async function json<T>(call: Call): Promise<T> {
    return within(call.timeoutMs ?? limit, call.signal, async (signal) => {
      const answer = await send(call, signal);
      try {
        return trusted<T>(await answer.body.json());
      } catch (error) {
        throw unreachable(error, call.what, cluster.server);
      }
    });
  }

  /** Runs `work` with a signal that is aborted after `ms`, or with the other one. */
  async function within<T>(
    ms: number,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = new AbortController();
    const cancel = clock.after(ms, () => late.abort(new Error(`no answer within ${ms} ms`)));
    try {
      return await work(signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]));
    } finally {
      cancel();
    }
  }

  return {
    json,
    open: async (call) => (await within(limit, call.signal, (until) => send(call, until))).body,
    close: () => agent.destroy(),
  };
}

function queryText(query: Call['query']): string {
  const given = Object.entries(query ?? {}).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

async function refusal(answer: Dispatcher.ResponseData, what: string): Promise<ApiError> {
  const text = (await answer.body.text()).slice(0, maxErrorBody);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page, or plain text: say its beginning.
    body = { message: text.trim() === '' ? undefined : text.trim().slice(0, 300) };
  }
  const after = Number(answer.headers['retry-after']);
  return errorOfStatus(answer.statusCode, body, what, Number.isFinite(after) && after >= 0 ? after : undefined);
}

function unreachable(error: unknown, what: string, server: string): ApiError {
  return new ApiError(0, 'Unreachable', `${what}: no answer from ${server}: ${messageOf(error)}`, undefined, error);
}
