import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';

/** Kernel modules that a lab needs inside the kernel that MULTINIC_UML names. */
const modules = 'ipvlan,macvlan,veth,bridge,dummy,tun';

/** Size of a run in that kernel. */
export interface UmlLimits {
  /** s */
  readonly timeout: number;
  /** As 2G. */
  readonly memory: string;
}

/**
 * A command and its environment for running `argv` in the kernel that $MULTINIC_UML names (a program that runs its
 * arguments there). io_uring is switched off in it: a process that has its rings mapped and forks ends that kernel, and
 * Node 26 is such a process.
 * @throws Error when the variable is not set
 */
export function umlCommand(
  argv: readonly string[],
  limits: UmlLimits,
  env: NodeJS.ProcessEnv,
): { readonly argv: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const uml = env['MULTINIC_UML'];
  if (isUml()) throw new Error('the kernel that MULTINIC_UML names has no ipvlan either');
  if (uml === undefined || uml === '') {
    throw new Error(
      'this kernel has no ipvlan, and MULTINIC_UML is not set: set it to a command that runs its arguments in a kernel that has ipvlan, or leave out --plugin ipvlan',
    );
  }
  const script = 'echo 2 > /proc/sys/kernel/io_uring_disabled; exec "$@"';
  const settings = { UMLTIMEOUT: String(limits.timeout), UMLMEM: limits.memory, UMLMODS: modules };
  return { argv: [uml, 'sh', '-c', script, 'sh', ...argv], env: { ...env, ...settings } };
}

/** Runs a command with this terminal as its output; answers its exit status. */
export function runToEnd(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (cause) => reject(new Error(`cannot run ${program}: ${cause.message}`, { cause })));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** The running kernel, for people: `Linux 6.12.1` or `user-mode-linux 7.2.7`. */
export function kernelName(): string {
  return `${isUml() ? 'user-mode-linux' : 'Linux'} ${release()}`;
}

function isUml(): boolean {
  return /User Mode Linux/i.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
