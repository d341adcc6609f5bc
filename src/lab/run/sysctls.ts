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
 * that is high enough stays; where that is another lab's doing the need is recorded all the same: that lab may end first.
 */
export function raiseNeighbourLimits(file: StateFile, root: string, entries: number): void {
  const others = readStates(root).filter(({ state }) => state.id !== file.state.id);
  const changes = neighbourLimits.flatMap((path): ChangedSysctl[] => {
    const now = readLimit(path);
    // thresh2 is where the kernel starts to collect, thresh3 where it refuses.
    const wanted = path.endsWith('3') ? 2 * entries + 1024 : entries + 512;
    const raised = others.flatMap(({ state }) => state.sysctls).find((other) => other.path === path);
    if (now === undefined || wanted <= (raised?.original ?? now)) return [];
    return [{ path, original: raised?.original ?? now, set: wanted }];
  });
  file.update({ sysctls: [...file.state.sysctls, ...changes] });
  for (const { path, set } of changes) if ((readLimit(path) ?? set) < set) writeLimit(path, set);
}

/** Puts back what the lab changed, as far as no other running or kept lab needs it. */
export function restoreSysctls(state: LabState, root: string): void {
  const needed = (path: string): number[] =>
    readStates(root)
      .filter((other) => other.state.id !== state.id && (isRunning(other.state) || other.state.kept))
      .flatMap((other) => other.state.sysctls)
      .filter((other) => other.path === path)
      .map((other) => other.set);
  for (const { path, original } of state.sysctls) {
    writeLimit(path, Math.max(original, ...needed(path)));
    // One that began in between has found the limit high enough.
    const since = Math.max(original, ...needed(path));
    if (since > (readLimit(path) ?? since)) writeLimit(path, since);
  }
}

function writeLimit(path: string, limit: number): void {
  writeFileSync(join('/proc/sys', path), String(limit));
}

function readLimit(path: string): number | undefined {
  try {
    return Number(readFileSync(join('/proc/sys', path), 'utf8'));
  } catch {
    return undefined;
  }
}
