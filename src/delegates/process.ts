import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

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
export async function runPlugin(argv: readonly string[], options: PluginOptions): Promise<PluginRun> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runOnce(argv, options);
    } catch (error) {
      if (!isBusy(error) || attempt === busy.attempts) throw error;
      await sleep(busy.pauseMs);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ETXTBSY';
}

function runOnce(argv: readonly string[], options: PluginOptions): Promise<PluginRun> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env, stdio: 'pipe', detached: true });
    const timers: NodeJS.Timeout[] = [];
    let ended: PluginEnd | undefined;
    const bury = (): void => {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      if (ended !== undefined && child.exitCode === null && child.signalCode === null) settle(ended);
    };
    const end = (why: PluginEnd): void => {
      if (ended !== undefined) return;
      ended = why;
      killGroup(child);
      // What left the group keeps the output open, and what the kernel holds does not end: neither is waited for.
      timers.push(setTimeout(bury, why.kind === 'held' ? 0 : burialMs));
    };
    const stdout = collect(child.stdout, options.outputLimit, end);
    const stderr = collect(child.stderr, options.outputLimit, end);
    timers.push(setTimeout(() => end({ kind: 'late', ms: options.timeoutMs }), options.timeoutMs));
    const abort = (): void => end({ kind: 'aborted' });
    const finish = (): void => {
      for (const timer of timers) clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
    };
    const settle = (own: PluginEnd): void => {
      finish();
      resolve({ end: ended ?? own, stdout: stdout(), stderr: stderr() });
    };
    child.on('error', (error) => {
      finish();
      reject(error);
    });
    child.on('exit', () => {
      if (child.pid !== undefined) options.onEnd?.(child.pid);
      const ms = options.drainMs ?? 1000;
      timers.push(setTimeout(() => end({ kind: 'held', ms }), ms));
    });
    child.on('close', (status, signal) =>
      settle(signal === null ? { kind: 'status', status: status ?? 0 } : { kind: 'signal', signal }),
    );
    if (child.pid === undefined) return;
    options.onSpawn?.(child.pid);
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted === true) abort();
    // A plugin that ends without reading its input breaks the pipe; its status says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input);
  });
}

function collect(stream: NodeJS.ReadableStream, limit: number, end: (why: PluginEnd) => void): () => string {
  const parts: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes > limit) end({ kind: 'flood', bytes: limit });
    else parts.push(data);
  });
  return () => Buffer.concat(parts).toString('utf8');
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone.
  }
}
