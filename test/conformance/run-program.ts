import type { Launch } from '../../src/spawner/types.ts';

/** How one run of a program went, as a runtime sees it. */
export interface Run {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** It did not end within the limit and was killed. */
  readonly late: boolean;
}

export interface RunOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly limitMs: number;
  /** Called with the function that kills the program and nothing else. */
  readonly started?: (kill: () => void) => void;
}

/** Runs a program with an environment of its own, in a process group that is killed when the limit is over. */
export function runProgram(launch: Launch, argv: readonly string[], options: RunOptions): Promise<Run> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    let pid: number | undefined;
    const running = launch(
      { argv, env: options.env, input: options.stdin, ownGroup: true },
      {
        started(own) {
          pid = own;
          options.started?.(() => {
            if (pid !== undefined) killIfThere(pid);
          });
        },
        stdout: (data) => out.push(data),
        stderr: (data) => err.push(data),
        exited: () => (pid = undefined),
        failed(error) {
          clearTimeout(timer);
          reject(error);
        },
        closed(status) {
          clearTimeout(timer);
          const ended =
            typeof status === 'number' ? { status, signal: undefined } : { status: undefined, signal: status };
          const [stdout, stderr] = [out, err].map((parts) => Buffer.concat(parts).toString('utf8'));
          resolve({ ...ended, stdout: stdout ?? '', stderr: stderr ?? '', ms: performance.now() - start, late });
        },
      },
    );
    const timer = setTimeout(() => {
      late = true;
      running.kill();
    }, options.limitMs);
  });
}

/** It may have ended in this moment, and nobody has said so yet. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
