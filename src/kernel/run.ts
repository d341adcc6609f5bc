import type { Launch, Program } from '../spawner/types.ts';

/** How a program ended. `status` is its exit status, or the signal that ended it. */
export interface Run {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program of the host that could not be run or said no. `said` is what it wrote to stderr. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly said: string;
  constructor(message: string, said = '', cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.said = said;
  }
}

/**
 * Runs a program to its end, without a shell, and collects what it writes.
 * @throws KernelError when it cannot be started or runs for longer than the limit (it is killed)
 */
export function run(launch: Launch, program: Program, timeoutMs: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const running = launch(program, {
      stdout: (data) => out.push(data),
      stderr: (data) => err.push(data),
      failed(cause) {
        clearTimeout(timer);
        const what = program.argv[0] === undefined ? 'set sysctls' : `run ${program.argv[0]}`;
        reject(new KernelError(`cannot ${what}: ${cause.message}`, '', cause));
      },
      closed(status) {
        clearTimeout(timer);
        if (late) reject(new KernelError(`"${program.argv.join(' ')}" did not end within ${timeoutMs} ms`));
        else resolve({ status, stdout: join(out), stderr: join(err) });
      },
    });
    const timer = setTimeout(() => {
      late = true;
      running.kill();
    }, timeoutMs);
  });
}

function join(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('utf8');
}
