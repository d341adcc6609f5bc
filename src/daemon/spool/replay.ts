import { watch } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { messageOf } from '../../api/message-of.ts';
import { type SpoolCounts, type SpoolOptions, SpoolReplayer } from './replayer.ts';

export interface ReplayOptions extends SpoolOptions {
  /** ms between looks that no event asked for, at which failed entries are tried again; 10 s unless told. */
  readonly pollMs?: number;
}

export interface SpoolReplay {
  /** What has become of the entries that lay there at start. */
  readonly first: SpoolCounts;
  /** Since start. */
  counts(): SpoolCounts;
  /** Resolves when the signal has ended the watch and no entry is in work any more. */
  readonly closed: Promise<void>;
}

/**
 * Replays the spool, then goes on watching it until the signal ends it: an entry that a shim adds is replayed at once.
 * Resolves when what lay there has been tried, so that the caller can serve ADD only after older DELs. Makes the folder
 * (0700).
 * @throws Error when the folder can be neither made nor read
 */
export async function replaySpool(options: ReplayOptions): Promise<SpoolReplay> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const replayer = new SpoolReplayer(options);
  const bell = new Bell();
  // Before the first look, so that nothing falls between. Events only wake; what there is to do is read from the folder.
  const watcher = watch(options.dir, () => bell.ring(false));
  watcher.on('error', (error) =>
    options.log.warn({ error: error.message }, 'spool watch failed; looking by the clock'),
  );
  const clock = setInterval(() => bell.ring(true), options.pollMs ?? 10_000);
  const stop = (): void => bell.ring(false);
  options.signal.addEventListener('abort', stop);
  const end = (): void => {
    watcher.close();
    clearInterval(clock);
    options.signal.removeEventListener('abort', stop);
  };
  try {
    await replayer.look(true);
    await replayer.idle();
  } catch (error) {
    end();
    throw error;
  }
  return {
    first: replayer.counts,
    counts: () => replayer.counts,
    closed: follow(options, replayer, bell).finally(end),
  };
}

async function follow(options: ReplayOptions, replayer: SpoolReplayer, bell: Bell): Promise<void> {
  while (!options.signal.aborted) {
    const byClock = await bell.wait();
    if (options.signal.aborted) break;
    try {
      await replayer.look(byClock);
    } catch (error) {
      options.log.warn({ error: messageOf(error) }, 'spool cannot be read');
    }
  }
  await replayer.idle();
}

/** Rings that come while nobody waits are kept as one. */
class Bell {
  #rung: { byClock: boolean } | undefined;
  #wake: (() => void) | undefined;

  ring(byClock: boolean): void {
    this.#rung = { byClock: byClock || (this.#rung?.byClock ?? false) };
    this.#wake?.();
  }

  /** Whether the clock was among those who rang. */
  async wait(): Promise<boolean> {
    if (this.#rung === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const byClock = this.#rung?.byClock ?? false;
    this.#rung = undefined;
    this.#wake = undefined;
    return byClock;
  }
}
