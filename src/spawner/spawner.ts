import { type ChildProcess, spawn } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { accessSync, constants } from 'node:fs';
import { constants as system } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { launchDirectly } from './direct.ts';
import { createReader, dropFrame, killFrame, type Report, runFrame } from './frames.ts';
import type { Launch, Program, ProgramEvents } from './types.ts';

export interface SpawnerOptions {
  /** The built spawner.c. */
  readonly file: string;
  /** Words before it, as to run it (and all that it starts) in a host's namespaces. */
  readonly prefix?: readonly string[];
  /** Working directory of all programs. */
  readonly cwd?: string;
  /** On top of this process's environment, for the process itself: marks by which it is found. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Launches as long as its process lives, and starts another when that has died. It holds the event loop only while a program runs. */
export interface Spawner {
  readonly launch: Launch;
  /** Ends the process; programs that run are reported as failed. */
  readonly close: () => void;
}

/** What a subscriber of the channel `multinic.program` is told of each program, at its start and at its end. */
export interface ProgramMessage {
  readonly what: 'start' | 'end';
  readonly argv: readonly string[];
}

/** Where launches go through a process of their own, else (the file is not there) by Node itself. */
export function createLaunch(
  file: string,
  env: Readonly<Record<string, string>> = {},
): { readonly launch: Launch; readonly close: () => void } {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return { launch: launchDirectly, close: () => undefined };
  }
  return createSpawner({ file, env });
}

interface Job {
  readonly program: Program;
  readonly events: ProgramEvents;
  pid?: number;
  status?: number;
}

/** A small process that starts programs for this one, which is too large to fork (spawner.c). */
export function createSpawner(options: SpawnerOptions): Spawner {
  let current: Process | undefined;
  let next = 1;
  return {
    launch(program, events) {
      current ??= startProcess(options, () => (current = undefined));
      const process = current;
      const id = next++;
      process.run(id, { program, events });
      return {
        kill: () => process.send(killFrame(id, system.signals.SIGKILL)),
        drop: () => process.send(dropFrame(id)),
      };
    },
    close: () => current?.end(),
  };
}

interface Process {
  run(id: number, job: Job): void;
  send(frame: Buffer): void;
  end(): void;
}

function startProcess({ file, prefix = [], cwd, env }: SpawnerOptions, onEnd: () => void): Process {
  const [program, ...args] = [...prefix, file];
  const jobs = new Map<number, Job>();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const hold = holder(child);
  const programs = channel('multinic.program');
  const tellOf = (what: ProgramMessage['what'], { argv }: Program): void => {
    if (programs.hasSubscribers && argv.length > 0) programs.publish({ what, argv } satisfies ProgramMessage);
  };
  const finish = (id: number): void => {
    const job = jobs.get(id);
    if (job !== undefined) tellOf('end', job.program);
    jobs.delete(id);
    if (jobs.size === 0) hold(false);
  };
  const end = (why: string, cause?: unknown): void => {
    onEnd();
    for (const [id, job] of jobs) {
      finish(id);
      // Nobody would hear of it any more.
      if (job.pid !== undefined && job.status === undefined) killOrphan(job.pid, job.program);
      job.events.failed(new Error(`the process that starts programs ${why}: ${nameOf(job.program)}`, { cause }));
    }
  };
  const read = createReader((id, report) => {
    const job = jobs.get(id);
    if (job === undefined) return;
    if (isLast(report)) finish(id);
    tell(job, report);
  });
  child.stdout.on('data', read);
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => end(`cannot be started (${error.message})`, error));
  child.on('close', (code, signal) => end(`has ended (${signal ?? code})`));
  hold(false);
  return {
    run(id, job) {
      const request = runFrame(id, job.program);
      jobs.set(id, job);
      tellOf('start', job.program);
      if (jobs.size === 1) hold(true);
      child.stdin.write(request);
    },
    send(frame) {
      if (child.stdin.writable) child.stdin.write(frame);
    },
    end() {
      child.stdin.end();
    },
  };
}

/** Whether the process keeps Node running. */
function holder(child: ChildProcess): (on: boolean) => void {
  return (on) => {
    const verb = on ? 'ref' : 'unref';
    child[verb]();
    for (const stream of [child.stdin, child.stdout]) {
      const handle: unknown = stream === null ? undefined : Reflect.get(stream, verb);
      if (typeof handle === 'function') Reflect.apply(handle, stream, []);
    }
  };
}

function isLast({ kind }: Report): boolean {
  return kind === 'closed' || kind === 'failed';
}

function tell(job: Job, report: Report): void {
  const { events, program } = job;
  if (report.kind === 'started') {
    job.pid = report.pid;
    events.started?.(report.pid);
  } else if (report.kind === 'exited') {
    job.status = report.status;
    events.exited?.();
  } else if (report.kind === 'closed') events.closed(statusOf(job.status ?? 0));
  else if (report.kind === 'failed') events.failed(startError(program, report));
  else events[report.kind](report.data);
}

/** As waitpid(2) packs it. */
function statusOf(packed: number): number | NodeJS.Signals {
  const signal = packed & 0x7f;
  if (signal === 0) return (packed >> 8) & 0xff;
  return signalNames.find((name) => system.signals[name] === signal) ?? 'SIGKILL';
}

const signalNames = Object.keys(system.signals).filter((name): name is NodeJS.Signals => name in system.signals);

/** With the code that Node's own spawn would give. */
function startError({ argv, netns }: Program, { errno, netns: inside }: Extract<Report, { kind: 'failed' }>): Error {
  const [code, words] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  const what = inside ? `enter ${netns}` : `spawn ${argv[0]}`;
  return Object.assign(new Error(`${what} ${code}: ${words}`), { code });
}

function nameOf({ argv }: Program): string {
  return argv[0] ?? 'sysctls';
}

function killOrphan(pid: number, { ownGroup = false }: Program): void {
  try {
    process.kill(ownGroup ? -pid : pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}
