import { spawn } from 'node:child_process';

/** How a program ended. `status` is its exit status, or the signal that ended it. */
export interface Run {
  readonly status: number | NodeJS.Signals;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly timeoutMs: number;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
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
export function run(argv: readonly string[], options: RunOptions): Promise<Run> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env, stdio: 'pipe' });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeoutMs);
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new KernelError(`cannot run ${program}: ${cause.message}`, '', cause));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) reject(new KernelError(`"${argv.join(' ')}" did not end within ${options.timeoutMs} ms`));
      else resolve({ status: signal ?? code ?? 0, stdout: join(out), stderr: join(err) });
    });
    // A program that ends before it has read everything breaks the pipe; its status says the rest.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

function join(parts: readonly Buffer[]): string {
  return Buffer.concat(parts).toString('utf8');
}
