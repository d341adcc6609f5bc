import { createKernel } from '../../kernel/ip.ts';
import {
  allPids,
  isAlive,
  labOf,
  ownLineage,
  type ProcessId,
  processesOfLab,
  rootOf,
  signalAll,
  waitGone,
} from './processes.ts';
import { isRunning, type LabState, readStates, removeState } from './state.ts';
import { restoreSysctls } from './sysctls.ts';

/** What one clean-up took away. */
export interface Cleaned {
  readonly id: string;
  readonly processes: number;
}

/**
 * Ends everything of one lab: processes (and with the last one its namespaces, mounts and links), the link in this
 * machine's namespace, changed sysctls, its folder. Whatever is gone already does no harm.
 * @throws Error naming processes that do not end
 */
export async function cleanLab(root: string, dir: string, state: LabState): Promise<Cleaned> {
  let ended = 0;
  // Twice: a process may have started another between the look and the signal.
  for (let round = 0; round < 3; round++) {
    const processes = [...processesOfLab(state.id), ...recorded(state)];
    if (processes.length === 0) break;
    signalAll(processes, 'SIGKILL');
    ended += new Set(processes.map((id) => id.pid)).size;
    const left = await waitGone(processes, 60_000);
    if (left.length > 0)
      throw new Error(`lab ${state.id}: processes do not end: ${left.map((id) => id.pid).join(', ')}`);
  }
  // Mostly gone already, with the namespace of their other end.
  const links = [...new Set([...state.links, rootLinkName(state.id)])];
  await createKernel().batch(links.map((link) => ['link', 'delete', link]));
  restoreSysctls(state, root);
  removeState(dir);
  return { id: state.id, processes: ended };
}

export interface CleanOptions {
  /** Also those that were left up on purpose. */
  readonly kept: boolean;
  /** This one alone; nothing is done about processes without a record then. */
  readonly id?: string;
}

/** Cleans labs whose owner was killed. Running ones stay. */
export async function cleanDead(root: string, { kept, id: only }: CleanOptions): Promise<Cleaned[]> {
  const states = readStates(root).filter(({ state }) => only === undefined || state.id === only);
  const dead = states.filter(({ state }) => !isRunning(state) && (kept || !state.kept));
  const cleaned: Cleaned[] = [];
  for (const { dir, state } of dead) cleaned.push(await cleanLab(root, dir, state));
  if (only !== undefined) return cleaned;
  // In this order: a lab's folder stands before its first process, so that one that begins meanwhile is none.
  const ids = idsOfProcesses(root);
  const known = new Set(readStates(root).map(({ state }) => state.id));
  for (const id of ids.difference(known)) {
    const nothing = { id, owner: { pid: 0, startTime: '' }, kept: false, processes: [], links: [], sysctls: [] };
    cleaned.push(await cleanLab(root, `${root}/${id}`, nothing));
  }
  return cleaned;
}

/** Link of the lab in this machine's namespace: 8 characters. */
export function rootLinkName(id: string): string {
  return `mnl-${id}`;
}

/** Takes down what this very process has built, wherever it was in building it. */
export async function cleanOwn(root: string): Promise<void> {
  for (const { dir, state } of readStates(root)) {
    if (state.owner.pid === process.pid && isRunning(state)) await cleanLab(root, dir, state);
  }
}

/** Labs that have processes, but for those that keep their records elsewhere. */
function idsOfProcesses(root: string): Set<string> {
  const lineage = ownLineage();
  const mine = allPids().filter((pid) => !lineage.has(pid) && [root, '', undefined].includes(rootOf(pid)));
  const ids = mine.flatMap((pid) => labOf(pid) ?? []);
  return new Set(ids.filter((id) => /^[a-z0-9]{4}$/.test(id)));
}

function recorded(state: LabState): ProcessId[] {
  const lineage = ownLineage();
  return state.processes.filter((id) => !lineage.has(id.pid) && isAlive(id));
}
