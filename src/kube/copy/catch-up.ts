/** Those who wait for a list of the newest state, one begun after the last of them has asked. */
export interface CatchUp {
  /** Cuts what is under way; resolves once such a list is in. */
  ask(): Promise<void>;
  /** Aborted while somebody has asked and nothing was begun for him. */
  readonly asked: AbortSignal;
  /** A list of the newest state begins: what is asked from here on needs another. */
  begin(): void;
  /** That list is in. */
  done(): void;
}

export function createCatchUp(): CatchUp {
  let cut = new AbortController();
  let waiting: PromiseWithResolvers<void> | undefined;
  return {
    ask: () => {
      waiting ??= Promise.withResolvers<void>();
      cut.abort();
      return waiting.promise;
    },
    get asked() {
      return cut.signal;
    },
    begin: () => {
      cut = new AbortController();
    },
    done: () => {
      waiting?.resolve();
      waiting = undefined;
    },
  };
}
