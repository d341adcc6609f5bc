import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChangedSysctl, isRunning, type LabState, readStates, type StateFile } from './state.ts';

/** The neighbour tables' limits: one table for the machine, shared by all its namespaces. */
const neighbourLimits = ['net/ipv4/neigh/default/', 'net/ipv6/neigh/default/'].flatMap((dir) => [
  `${dir}gc_thresh2`,
  `${dir}gc_thresh3`,
]);

/**
 * Raises the machine's neighbour limits so that `entries` fit; recorded first, and put back by restoreSysctls. A limit
 * that is high enough stays.
 */
export function raiseNeighbourLimits(file: StateFile, root: string, entries: number): void {
  const others = readStates(root).filter(({ state }) => state.id !== file.state.id);
  const changes = neighbourLimits.flatMap((path): ChangedSysctl[] => {
    const now = readLimit(path);
    // thresh2 is where the kernel starts to collect, thresh3 where it refuses.
    const wanted = path.endsWith('3') ? 2 * entries + 1024 : entries + 512;
    if (now === undefined || now >= wanted) return [];
    const original = others.flatMap(({ state }) => state.sysctls).find((other) => other.path === path)?.original ?? now;
    return [{ path, original, set: wanted }];
  });
  file.update({ sysctls: [...file.state.sysctls, ...changes] });
  for (const change of changes) writeFileSync(join('/proc/sys', change.path), String(change.set));
}

/** Puts back what the lab changed, as far as no other running or kept lab needs it. */
export function restoreSysctls(state: LabState, root: string): void {
  const others = readStates(root)
    .filter((other) => other.state.id !== state.id && (isRunning(other.state) || other.state.kept))
    .flatMap((other) => other.state.sysctls);
  for (const { path, original } of state.sysctls) {
    const needed = others.filter((other) => other.path === path).map((other) => other.set);
    writeFileSync(join('/proc/sys', path), String(Math.max(original, ...needed)));
  }
}

function readLimit(path: string): number | undefined {
  try {
    return Number(readFileSync(join('/proc/sys', path), 'utf8'));
  } catch {
    return undefined;
  }
}
