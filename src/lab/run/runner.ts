import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { labVariable, rootVariable } from './processes.ts';

/** What a finished command left behind; `code` is 128 + signal number when a signal ended it. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Variables on top of the runner's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Nothing of the runner's environment: only `env`. */
  readonly bareEnv?: boolean;
  readonly cwd?: string;
  /** ms; the command is killed after it. */
  readonly timeout?: number;
}

/** A command that failed: `message` has the command and what it said. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly outcome: Outcome;
  constructor(argv: readonly string[], outcome: Outcome) {
    const said = (outcome.stderr.trim() || outcome.stdout.trim()).slice(-2000);
    super(`"${argv.join(' ').slice(0, 300)}" failed with status ${outcome.code}${said === '' ? '' : `: ${said}`}`);
    this.outcome = outcome;
  }
}

/** Starts the lab's processes, each marked by the variable MULTINIC_LAB=<id>, so that none can be lost. */
export interface Runner {
  run(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** Like run, but only status 0 will do; answers stdout. @throws CommandError */
  must(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** Starts a process that outlives this one, with both outputs in a file. */
  start(argv: readonly string[], logFile: string, options?: Pick<RunOptions, 'env'>): ChildProcess;
  /** The environment that commands get. */
  readonly env: NodeJS.ProcessEnv;
}

/** @param root where the lab keeps its record */
export function createRunner(labId: string, root = ''): Runner {
  const env = { ...labEnvironment(process.env, labId), [rootVariable]: root };
  const run = (argv: readonly string[], options: RunOptions = {}) => runCommand(argv, env, options);
  return {
    env,
    run,
    async must(argv, options) {
      const outcome = await run(argv, options);
      if (outcome.code !== 0) throw new CommandError(argv, outcome);
      return outcome.stdout;
    },
    start(argv, logFile, options = {}) {
      const log = openSync(logFile, 'a', 0o600);
      const [command = '', ...rest] = argv;
      const stdio = ['ignore', log, log] as const;
      const child = spawn(command, rest, { env: { ...env, ...options.env }, stdio: [...stdio], detached: true });
      closeSync(log);
      child.unref();
      return child;
    },
  };
}

/** Proxies and preloads of the person's shell have no place in the lab: all its traffic is local. */
function labEnvironment(own: NodeJS.ProcessEnv, labId: string): NodeJS.ProcessEnv {
  const unwanted = /^(https?_proxy|all_proxy|NODE_EXTRA_CA_CERTS|NODE_OPTIONS|KUBECONFIG|VITEST.*|npm_.*)$/i;
  const kept = Object.entries(own).filter(([name]) => !unwanted.test(name));
  const path = `${own['PATH'] ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;
  return { ...Object.fromEntries(kept), PATH: path, NO_PROXY: '*', no_proxy: '*', [labVariable]: labId };
}

function runCommand(argv: readonly string[], env: NodeJS.ProcessEnv, options: RunOptions): Promise<Outcome> {
  const [command = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      env: options.bareEnv === true ? { ...options.env } : { ...env, ...options.env },
      cwd: options.cwd ?? '/',
      timeout: options.timeout ?? 120_000,
      killSignal: 'SIGKILL',
      // Its own group: Ctrl-C reaches the lab alone, which then takes everything down in order.
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', (error) => reject(new Error(`cannot start "${command}": ${error.message}`, { cause: error })));
    child.once('close', (code, signal) =>
      resolve({ code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), stdout, stderr }),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}
