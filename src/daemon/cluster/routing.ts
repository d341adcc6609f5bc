import type { HostPlan } from '../../api/host.ts';
import { readForeignTables, syncRoutes } from '../../hostroute/apply.ts';
import { routeSetFor } from '../../hostroute/plan.ts';
import { chooseTables } from '../../hostroute/tables.ts';
import type { RouteSet } from '../../hostroute/types.ts';
import type { Kernel } from '../../kernel/types.ts';
import { trusted } from '../../kube/calls/json.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Store } from '../../store/types.ts';
import type { HostState } from '../host-state.ts';
import type { DaemonOptions } from '../options.ts';
import { remoteBlocks } from '../plan/remote.ts';
import type { RouteTrouble } from '../publish/ip-pool.ts';
import type { Caches } from './caches.ts';
import { createLedgers } from './ledgers.ts';

export interface RoutingParts {
  readonly options: DaemonOptions;
  readonly kernel: Kernel;
  readonly store: Store;
  readonly state: HostState;
  readonly log: Logger;
  readonly caches: Caches;
  readonly clock: Clock;
}

/** Routes of one network, for people. */
export interface RouteReport {
  readonly network: string;
  readonly table: number;
  readonly routes: number;
  readonly problems: readonly string[];
}

export interface Routing {
  /** Makes the kernel's routes those of the plans; a no-op while nothing is known of a ledger. */
  sync(): Promise<void>;
  /** Whether the network's routes have been put in place once (or it needs none): only then may it be claimed. */
  placed(plan: HostPlan): boolean;
  /** Trouble that has lasted for more than 10 s. */
  trouble(network: string): RouteTrouble | undefined;
  report(): readonly RouteReport[];
}

const tablesName = 'route-tables';
/** Trouble shorter than this is not published, ms. */
const patienceMs = 10_000;
/** Tables of others are looked for again so often, ms. */
const foreignEveryMs = 60_000;

export function createRouting(parts: RoutingParts): Routing {
  const { options, kernel, store, state, log, caches, clock } = parts;
  const ledgers = createLedgers(store, caches, clock.now);
  const placed = new Map<string, string>();
  const since = new Map<string, number>();
  let reports: readonly RouteReport[] = [];
  let foreign = { names: '', at: 0, tables: new Set<number>() };
  let clean = false;
  let tail = Promise.resolve();

  async function syncOnce(): Promise<void> {
    const routed = [...state.plans.values()].filter((plan) => plan.routed);
    // Each pod that comes wakes this: a host without routed networks reads the kernel's routes once, at start.
    if (routed.length === 0 && clean) return;
    const tables = await tablesFor(routed);
    const sets: RouteSet[] = [];
    const next: RouteReport[] = [];
    for (const plan of routed) {
      const ledger = await ledgers.of(plan);
      if (ledger === undefined) return;
      const table = tables.tables.get(plan.network);
      const trouble = tables.problems.get(plan.network);
      if (table === undefined) {
        next.push({ network: plan.network, table: 0, routes: 0, problems: [trouble ?? 'no route table'] });
        continue;
      }
      const { set, problems } = routeSetFor(
        {
          plan,
          nics: state.nics.filter(({ name }) => !store.lent.has(name)),
          remote: remoteBlocks(ledger, options.node),
        },
        table,
      );
      sets.push(set);
      next.push({ network: plan.network, table, routes: set.routes.length, problems });
    }
    const outcome = await syncRoutes(kernel, sets);
    clean = routed.length === 0 && outcome.problems.size === 0;
    if (outcome.commands > 0) log.info({ commands: outcome.commands }, 'routes changed');
    for (const plan of routed) placed.set(plan.network, plan.uid);
    reports = next.map((report) => ({
      ...report,
      problems: [...report.problems, ...(outcome.problems.get(report.network) ?? [])],
    }));
    for (const { network, problems } of reports) note(network, problems);
  }

  async function tablesFor(routed: readonly HostPlan[]): Promise<ReturnType<typeof chooseTables>> {
    const text = store.get(tablesName) ?? '{}';
    const networks = routed.map((plan) => plan.network);
    const given = trusted<Record<string, number>>(JSON.parse(text));
    const foreign = await foreignTables(networks);
    const chosen = chooseTables({ networks, given, range: options.routeTables, foreign });
    const next = JSON.stringify(chosen.given);
    for (const network of Object.keys(given)) if (!networks.includes(network)) await ledgers.forget(network);
    if (next !== text) await store.set(tablesName, next === '{}' ? undefined : next);
    return chosen;
  }

  /** Reads every route of the host, so only when there is a table to choose, and now and then. */
  async function foreignTables(networks: readonly string[]): Promise<ReadonlySet<number>> {
    const names = networks.join();
    if (networks.length === 0) return new Set();
    if (foreign.names !== names || clock.now() - foreign.at > foreignEveryMs) {
      foreign = { names, at: clock.now(), tables: await readForeignTables(kernel) };
    }
    return foreign.tables;
  }

  function note(network: string, problems: readonly string[]): void {
    if (problems.length === 0) since.delete(network);
    else if (!since.has(network)) {
      since.set(network, clock.now());
      log.warn({ network, problems }, 'routes are not as planned');
    }
  }

  return {
    sync() {
      // One at a time: two differences computed from one observation would both be applied.
      const mine = tail.then(syncOnce);
      tail = mine.catch(() => {});
      return mine;
    },
    placed: (plan) => !plan.routed || placed.get(plan.network) === plan.uid,
    trouble(network) {
      const from = since.get(network);
      const report = reports.find((one) => one.network === network);
      if (from === undefined || report === undefined || clock.now() - from < patienceMs) return undefined;
      return { since: new Date(from).toISOString(), message: report.problems.join('; ') };
    },
    report: () => reports,
  };
}
