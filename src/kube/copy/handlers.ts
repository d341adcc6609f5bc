import type { Logger } from '../logger.ts';
import type { CacheView, Change } from './cache.ts';

/** Who is told of changes. */
export interface Handlers<T> {
  /** It is called for what is known already, then for each change. */
  add(handler: (change: Change<T>) => void): void;
  /** @param change undefined: nothing changed */
  tell(change: Change<T> | undefined): void;
}

/** What a handler throws is logged, and holds up nobody. */
export function createHandlers<T>(known: CacheView<T>, logger: Logger, resource: string): Handlers<T> {
  const handlers: ((change: Change<T>) => void)[] = [];

  function call(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      logger.error({ err: error, resource, key: change.key }, 'a handler of changes failed');
    }
  }

  return {
    add: (handler) => {
      handlers.push(handler);
      for (const key of known.keys()) {
        const value = known.get(key);
        if (value !== undefined) call(handler, { key, new: value });
      }
    },
    tell: (change) => {
      if (change !== undefined) for (const handler of handlers) call(handler, change);
    },
  };
}
