import type { KubeObject } from '../api/meta.ts';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { ApiError } from './errors.ts';

/**
 * Whether this process leads right now. It is asked before each write, and does not depend on a timer having run: a process that was
 * stopped for longer than its lease finds out at its first write.
 */
export interface Leadership {
  holds(): boolean;
  /** Begins, or goes on, until that time (ms of the monotonic clock). */
  extend(until: number): void;
  end(): void;
}

/** @param clock monotonic */
export function createLeadership(clock: Clock): Leadership {
  let until = -Infinity;
  return {
    holds: () => clock.now() < until,
    extend: (time) => {
      until = time;
    },
    end: () => {
      until = -Infinity;
    },
  };
}

/** The client with every write refused (ApiError, code 0, reason NotLeading; nothing is sent) while this process does not lead. */
export function leadingClient(client: KubeClient, leadership: Leadership): KubeClient {
  const checked = <R>(what: string, call: () => Promise<R>): Promise<R> => {
    if (leadership.holds()) return call();
    return Promise.reject(new ApiError(0, 'NotLeading', `${what}: not sent, this process does not hold the lease`));
  };
  return {
    // Each by name: a method that is added to the client has to be judged here before this compiles.
    get: (ref, name, options) => client.get(ref, name, options),
    list: (ref, options) => client.list(ref, options),
    raw: (path, options) => client.raw(path, options),
    stream: (path, query, signal) => client.stream(path, query, signal),
    close: () => client.close(),
    apply: (ref, object, options) => checked('PATCH', () => client.apply(ref, object, options)),
    create: (ref, object, options) => checked('POST', () => client.create(ref, object, options)),
    replace: (ref, object, options) => checked('PUT', () => client.replace(ref, object, options)),
    replaceStatus: (ref, object, options) => checked('PUT', () => client.replaceStatus(ref, object, options)),
    patch: <T extends KubeObject>(...args: Parameters<KubeClient['patch']>) =>
      checked('PATCH', () => client.patch<T>(...args)),
    delete: (ref, name, options) => checked('DELETE', () => client.delete(ref, name, options)),
  };
}
