import { spawn } from 'node:child_process';

export interface WatchOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Events that come within this many ms wake once. */
  readonly coalesceMs: number;
  /** Pause before a monitor that died is started again, ms. */
  readonly restartMs: number;
}

/** So long after its start the monitor surely listens: one wake then covers what happened before, ms. */
const settleMs = 250;

/**
 * Runs `ip monitor` for as long as the signal allows and calls back when it says anything at all: what changed is read from
 * the kernel, not from the monitor (iproute2 6.1 prints no usable JSON there). A monitor that dies is started again, and that
 * wakes too, as events may have been missed.
 */
export function watch(options: WatchOptions, onChange: () => void, signal: AbortSignal): void {
  if (signal.aborted) return;
  let wake: NodeJS.Timeout | undefined;
  let restart: NodeJS.Timeout | undefined;
  let withDeathSignal = true;
  let stop = (): void => undefined;

  const wakeIn = (ms: number): void => {
    wake ??= setTimeout(() => {
      wake = undefined;
      onChange();
    }, ms);
  };
  const start = (): void => {
    // The kernel ends the monitor with this process, even when it is killed.
    const prefix = withDeathSignal ? ['setpriv', '--pdeathsig', 'KILL'] : [];
    const [program = '', ...args] = [...prefix, ...options.argv];
    const child = spawn(program, args, { env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const settled = setTimeout(() => wakeIn(0), settleMs);
    child.stdout.on('data', () => wakeIn(options.coalesceMs));
    child.stderr.on('data', () => wakeIn(options.coalesceMs));
    child.on('error', () => {
      withDeathSignal = false;
    });
    child.on('close', () => {
      clearTimeout(settled);
      if (!signal.aborted) restart = setTimeout(start, options.restartMs);
    });
    stop = () => {
      clearTimeout(settled);
      child.kill('SIGKILL');
    };
  };
  signal.addEventListener(
    'abort',
    () => {
      clearTimeout(wake);
      clearTimeout(restart);
      stop();
    },
    { once: true },
  );
  start();
}
