import { setTimeout as sleep } from 'node:timers/promises';
import type { Launch, Running } from '../spawner/types.ts';

/** How a plugin ended: by itself, or ended by us. */
export type PluginEnd =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'late'; readonly ms: number }
  | { readonly kind: 'flood'; readonly bytes: number }
  /** It ended, but something that it started keeps its output open: nobody can tell whether the answer is whole. */
  | { readonly kind: 'held'; readonly ms: number }
  | { readonly kind: 'aborted' };

export interface PluginRun {
  readonly end: PluginEnd;
  readonly stdout: string;
  readonly stderr: string;
}

export interface PluginOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMs: number;
  /** Of stdout and stderr each, bytes. */
  readonly outputLimit: number;
  readonly signal?: AbortSignal;
  /** How long its output may stay open after its end, ms; 1 s unless told. */
  readonly drainMs?: number;
  /** Called right after the process was made; it leads a process group of its own. */
  readonly onSpawn?: (pid: number) => void;
  readonly onEnd?: (pid: number) => void;
}

/** A binary that is being replaced cannot be run for a moment: so often, so far apart. */
const busy = { attempts: 6, pauseMs: 200 } as const;

/** A process that was killed is waited for so long: one that the kernel holds may never end. */
const burialMs = 2000;

/**
 * Runs a plugin binary to its end. It and what it starts form a process group, which is killed as a whole when the time is
 * up, the caller has gone, too much is written or the output stays open. The promise settles when the process is gone; at the
 * latest 2 s after it was killed.
 * @throws Error of spawn when it cannot be started
 */
export async function runPlugin(launch: Launch, argv: readonly string[], options: PluginOptions): Promise<PluginRun> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(launch, argv, options);
    } catch (error) {
      if (!isBusy(error) || attempt === busy.attempts) throw error;
      await sleep(busy.pauseMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ETXTBSY';
}

function runOnce(launch: Launch, argv: readonly string[], options: PluginOptions): Promise<PluginRun> {
  return new Promise((resolve, reject) => {
    const timers: NodeJS.Timeout[] = [];
    const stdout = collect(options.outputLimit, () => end({ kind: 'flood', bytes: options.outputLimit }));
    const stderr = collect(options.outputLimit, () => end({ kind: 'flood', bytes: options.outputLimit }));
    let pid: number | undefined;
    let exited = false;
    let settled = false;
    let ended: PluginEnd | undefined;
    const abort = (): void => end({ kind: 'aborted' });
    const finish = (): void => {
      settled = true;
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
    };
    const settle = (own: PluginEnd): void => {
      finish();
      resolve({ end: ended ?? own, stdout: stdout.text(), stderr: stderr.text() });
    };
    const bury = (): void => {
      running.drop();
      if (ended !== undefined && !exited) settle(ended);
    };
    const running: Running = launch(
      { argv, env: options.env, input: options.input, ownGroup: true },
      {
        started(own) {
          pid = own;
          options.onSpawn?.(own);
        },
        stdout: stdout.add,
        stderr: stderr.add,
        exited() {
          exited = true;
          if (pid !== undefined) options.onEnd?.(pid);
          const ms = options.drainMs ?? 1000;
          // Where this process itself was held up, the news that all is closed may wait behind the timer: it is read first.
          timers.push(setTimeout(() => setImmediate(end, { kind: 'held', ms }), ms));
        },
        closed: (status) =>
          settle(typeof status === 'number' ? { kind: 'status', status } : { kind: 'signal', signal: status }),
        failed(error) {
          if (pid !== undefined && !exited) options.onEnd?.(pid);
          finish();
          reject(error);
        },
      },
    );
    function end(why: PluginEnd): void {
      if (ended !== undefined || settled) return;
      ended = why;
      running.kill();
      // What left the group keeps the output open, and what the kernel holds does not end: neither is waited for.
      timers.push(setTimeout(bury, why.kind === 'held' ? 0 : burialMs));
    }
    timers.push(setTimeout(() => end({ kind: 'late', ms: options.timeoutMs }), options.timeoutMs));
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted === true) abort();
  });
}

function collect(
  limit: number,
  over: () => void,
): { readonly add: (data: Buffer) => void; readonly text: () => string } {
  const parts: Buffer[] = [];
  let bytes = 0;
  return {
    add(data) {
      bytes += data.length;
      if (bytes > limit) over();
      else parts.push(data);
    },
    text: () => Buffer.concat(parts).toString('utf8'),
  };
}
