import { spawn } from 'node:child_process';

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
export function runProgram(argv: readonly string[], options: RunOptions): Promise<Run> {
  const [program = '', ...args] = argv;
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...options.env }, cwd: '/', stdio: 'pipe', detached: true });
    let stdout = '';
    let stderr = '';
    let late = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => {
      late = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, options.limitMs);
    child.once('error', reject);
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const ms = performance.now() - start;
      resolve({ status: status ?? undefined, signal: signal ?? undefined, stdout, stderr, ms, late });
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.stdin);
    options.started?.(() => child.kill('SIGKILL'));
  });
}
