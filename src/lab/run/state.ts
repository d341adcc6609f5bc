import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseOwn } from './json.ts';
import { identify, isAlive, type ProcessId } from './processes.ts';

/** A setting of the machine that the lab changed. */
export interface ChangedSysctl {
  /** Path below /proc/sys. */
  readonly path: string;
  /** What it was before any lab. */
  readonly original: number;
  readonly set: number;
}

/** What has to be undone when a lab ends, however it ends; on disk before it is done. */
export interface LabState {
  readonly id: string;
  /** The process that runs the lab. */
  readonly owner: ProcessId;
  /** Meant to outlive its owner (`--keep`). */
  readonly kept: boolean;
  readonly processes: readonly (ProcessId & { readonly name: string })[];
  /** Links in this machine's own namespace. */
  readonly links: readonly string[];
  readonly sysctls: readonly ChangedSysctl[];
}

/** One lab's record: `update` writes it to disk before it answers. */
export interface StateFile {
  readonly dir: string;
  readonly state: LabState;
  update(change: Partial<LabState>): void;
  addProcess(name: string, pid: number): void;
}

/** Makes the folder and first record of a new lab below `root`. */
export function createState(root: string): StateFile {
  mkdirSync(root, { recursive: true, mode: 0o755 });
  const owner = identify(process.pid);
  if (owner === undefined) throw new Error('/proc does not show this process: is /proc mounted?');
  const id = freeId(root);
  const dir = join(root, id);
  let state: LabState = { id, owner, kept: false, processes: [], links: [], sysctls: [] };
  // A folder without a record looks like a dead lab's to a clean-up that runs now: it appears with its record.
  const unborn = join(root, `.${id}`);
  mkdirSync(unborn, { mode: 0o700 });
  save(unborn, state);
  renameSync(unborn, dir);
  const update = (change: Partial<LabState>) => {
    state = { ...state, ...change };
    save(dir, state);
  };
  return {
    dir,
    get state() {
      return state;
    },
    update,
    addProcess(name, pid) {
      const process = identify(pid);
      if (process !== undefined) update({ processes: [...state.processes, { ...process, name }] });
    },
  };
}

/** Records of all labs below `root`; a folder without a readable record gives one with nothing but its id. */
export function readStates(root: string): { dir: string; state: LabState }[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => ({ dir: join(root, name), state: load(join(root, name)) ?? emptyState(name) }));
}

/** Whether its owner still runs it. */
export function isRunning(state: LabState): boolean {
  return isAlive(state.owner);
}

export function removeState(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

function save(dir: string, state: LabState): void {
  const file = join(dir, 'state.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function load(dir: string): LabState | undefined {
  try {
    // Written by save() above, and in a folder that only root can write.
    return parseOwn<LabState>(readFileSync(join(dir, 'state.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

function emptyState(id: string): LabState {
  return { id, owner: { pid: 0, startTime: '' }, kept: false, processes: [], links: [], sysctls: [] };
}

function freeId(root: string): string {
  for (;;) {
    const id = Math.floor(Math.random() * 36 ** 4)
      .toString(36)
      .padStart(4, '0');
    if (!existsSync(join(root, id))) return id;
  }
}
