import type { Route, Rule } from '../kernel/types.ts';
import { routeProtocol } from './constants.ts';

export interface TableRange {
  readonly first: number;
  readonly last: number;
}

export interface TablesInput {
  /** Routed networks of this host. */
  readonly networks: readonly string[];
  /** Tables given before, by network; kept by the caller across restarts. */
  readonly given: Readonly<Record<string, number>>;
  readonly range: TableRange;
  /** Tables that others use: see foreignTables. */
  readonly foreign: ReadonlySet<number>;
}

export interface Tables {
  /** By network; a network without a number gets no routes. */
  readonly tables: ReadonlyMap<string, number>;
  /** To be kept: exactly the numbers given. */
  readonly given: Readonly<Record<string, number>>;
  /** By network: why it has no table, or another than before. */
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * Gives each network a table: the one it had, unless others have begun to use it or it is outside the range, else the lowest
 * free one. Pure; the same input gives the same numbers.
 */
export function chooseTables({ networks, given, range, foreign }: TablesInput): Tables {
  const tables = new Map<string, number>();
  const problems = new Map<string, string>();
  const usable = (table: number): boolean => table >= range.first && table <= range.last && !foreign.has(table);
  const names = [...new Set(networks)].sort();
  const taken = new Set<number>();
  for (const network of names) {
    const before = given[network];
    if (before === undefined || taken.has(before)) continue;
    if (usable(before)) {
      tables.set(network, before);
      taken.add(before);
    } else if (foreign.has(before)) {
      problems.set(network, `route table ${before} of network ${network} has routes or rules of others`);
    }
  }
  for (const network of names) {
    if (tables.has(network)) continue;
    const table = lowest(range, (candidate) => usable(candidate) && !taken.has(candidate));
    if (table === undefined) {
      problems.set(
        network,
        `network ${network} gets no route table: all of ${range.first} to ${range.last} are in use; widen routeTables in Config`,
      );
      continue;
    }
    tables.set(network, table);
    taken.add(table);
    const moved = problems.get(network);
    if (moved !== undefined) problems.set(network, `${moved}: moved to ${table}`);
  }
  return { tables, given: Object.fromEntries([...tables].sort(([a], [b]) => (a < b ? -1 : 1))), problems };
}

/** Tables in which there is a route, or to which a rule leads, that is not ours. */
export function foreignTables(routes: readonly Route[], rules: readonly Rule[]): Set<number> {
  const foreign = [...routes, ...rules].filter((entry) => entry.protocol !== routeProtocol);
  return new Set(foreign.map((entry) => entry.table));
}

function lowest(range: TableRange, fits: (table: number) => boolean): number | undefined {
  for (let table = range.first; table <= range.last; table++) if (fits(table)) return table;
  return undefined;
}
