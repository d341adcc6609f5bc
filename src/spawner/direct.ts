import { spawn } from 'node:child_process';
import { inNetns } from './netns.ts';
import type { Launch } from './types.ts';

/** Starts programs by Node's own means: each start stops everything else for as long as it takes to copy the process. */
export const launchDirectly: Launch = ({ argv, env, input, ownGroup = false, netns, files = [] }, events) => {
  const [program = '', ...args] = inNetns(afterFiles(argv, files), netns);
  const child = spawn(program, args, { env: { ...env }, stdio: 'pipe', detached: ownGroup });
  const { pid } = child;
  if (pid !== undefined && events.started !== undefined) queueMicrotask(() => events.started?.(pid));
  child.stdout.on('data', (data: Buffer) => events.stdout(data));
  child.stderr.on('data', (data: Buffer) => events.stderr(data));
  child.on('exit', () => events.exited?.());
  child.on('error', (error) => events.failed(error));
  child.on('close', (code, signal) => {
    if (pid !== undefined) events.closed(signal ?? code ?? 0);
  });
  // A program that ends before it has read everything breaks the pipe; its status says the rest.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return {
    kill: () => (ownGroup && pid !== undefined ? killGroup(pid) : child.kill('SIGKILL')),
    drop() {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
    },
  };
};

/** Writes pairs of file and value until `--`, then becomes the program behind it. */
const script = 'while [ "$1" != -- ]; do echo "$2" >"$1"; shift 2; done 2>/dev/null; shift; exec "$@"';

/** The program, behind a shell that writes the files first, as far as there are such, and then becomes the program. */
export function afterFiles(argv: readonly string[], files: readonly (readonly [string, string])[]): readonly string[] {
  return files.length === 0 ? argv : ['sh', '-c', script, 'sh', ...files.flat(), '--', ...argv];
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone.
  }
}
