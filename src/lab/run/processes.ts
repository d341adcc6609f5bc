import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Variable that marks each process of a lab. */
export const labVariable = 'MULTINIC_LAB';
/** Beside it, where that lab keeps its record: whoever cleans up elsewhere does not know it, and leaves it alone. */
export const rootVariable = 'MULTINIC_LAB_ROOT';

/** A process, told from a later one with the same number by its start time (clock ticks since boot). */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

/** The process's identity, undefined when it is gone or a zombie. */
export function identify(pid: number): ProcessId | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name, in parentheses, may hold anything: count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' || startTime === undefined ? undefined : { pid, startTime };
}

export function isAlive(id: ProcessId): boolean {
  return identify(id.pid)?.startTime === id.startTime;
}

export function allPids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Which lab the process was started by, undefined for none. */
export function labOf(pid: number): string | undefined {
  return variableOf(pid, labVariable);
}

/** Where that lab keeps its record, as far as the process knows. */
export function rootOf(pid: number): string | undefined {
  return variableOf(pid, rootVariable);
}

function variableOf(pid: number, name: string): string | undefined {
  const marker = `${name}=`;
  return readText(`/proc/${pid}/environ`)
    ?.split('\0')
    .find((entry) => entry.startsWith(marker))
    ?.slice(marker.length);
}

/** `net:[4026531840]`, the name of the process's network namespace. */
export function netnsOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** The command line, or the kernel's short name where there is none. */
export function commandOf(pid: number): string {
  const line = readText(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  return line === undefined || line === '' ? (readText(`/proc/${pid}/comm`)?.trim() ?? '') : line;
}

/** This process and all above it, which no clean-up may end. */
export function ownLineage(): Set<number> {
  const lineage = new Set<number>();
  for (let pid = process.pid; pid > 0 && !lineage.has(pid); pid = parentOf(pid)) lineage.add(pid);
  return lineage;
}

/**
 * Every process of the lab: those it marked, and those in network namespaces that marked ones are in (except this
 * machine's own, `ownNetns`).
 */
export function processesOfLab(labId: string): ProcessId[] {
  const lineage = ownLineage();
  const pids = allPids().filter((pid) => !lineage.has(pid));
  const marked = new Set(pids.filter((pid) => labOf(pid) === labId));
  const own = new Set([netnsOf(1), netnsOf(process.pid)]);
  const spaces = new Set([...marked].flatMap((pid) => netnsOf(pid) ?? []).filter((name) => !own.has(name)));
  return pids.filter((pid) => marked.has(pid) || spaces.has(netnsOf(pid) ?? '')).flatMap((pid) => identify(pid) ?? []);
}

/** Sends the signal to those that still run. */
export function signalAll(processes: readonly ProcessId[], signal: NodeJS.Signals): void {
  for (const id of processes) {
    if (!isAlive(id)) continue;
    try {
      process.kill(id.pid, signal);
    } catch {
      // It ended between the look and the signal.
    }
  }
}

/** Waits until all have ended or `ms` have gone; answers those that have not. */
export async function waitGone(processes: readonly ProcessId[], ms: number): Promise<ProcessId[]> {
  const end = performance.now() + ms;
  let left = processes.filter(isAlive);
  while (left.length > 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    left = left.filter(isAlive);
  }
  return left;
}

/** Everything below the process, itself not. */
export function treeBelow(root: number): ProcessId[] {
  const pids = allPids();
  const tree = new Set([root]);
  for (let before = 0; before < tree.size; ) {
    before = tree.size;
    for (const pid of pids) if (tree.has(parentOf(pid))) tree.add(pid);
  }
  tree.delete(root);
  return [...tree].flatMap((pid) => identify(pid) ?? []);
}

function parentOf(pid: number): number {
  const stat = readText(`/proc/${pid}/stat`);
  return stat === undefined ? 0 : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
