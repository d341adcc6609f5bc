import type { Dispatcher } from 'undici';
import { ApiError } from './errors.ts';

/**
 * Refuses what would change something (ApiError, code 0, reason NotLeading) when `mayWrite` says no. Asked when a connection is there
 * and the first byte is due: credentials, names and connections may have been waited for since the call.
 */
export function guardWrites(mayWrite: () => boolean): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    if (options.method === 'GET') return dispatch(options, handler);
    const { method, path } = options;
    return dispatch(options, {
      onRequestStart: (...args) => {
        // What is thrown here fails the request, and nothing of it is sent.
        if (!mayWrite()) throw new ApiError(0, 'NotLeading', `${method} ${path}: not sent, this process does not lead`);
        handler.onRequestStart?.(...args);
      },
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStart: (...args) => handler.onResponseStart?.(...args),
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (...args) => handler.onResponseError?.(...args),
    });
  };
}
