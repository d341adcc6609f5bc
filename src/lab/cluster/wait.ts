import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

const limit = 120_000;

/**
 * Waits until `look` answers something, looking every 20 ms, for at most two minutes.
 * @throws Error when the process ends or the time does, with the end of its log
 */
export async function untilReady<T>(
  what: string,
  child: ChildProcess,
  log: string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  return until(what, look, () => {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${what} ended: ${tail(log)}`);
    return `: ${tail(log)}`;
  });
}

/** Waits until `look` answers something. @throws Error naming what, after two minutes */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  details: () => string = () => '',
): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    const said = details();
    if (performance.now() > end) throw new Error(`${what} is not ready after ${limit / 1000} s${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The last lines of a log. */
export function tail(log: string): string {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15);
  return lines.join('\n').slice(-3000) || 'its log is empty';
}
