import { Histogram } from 'prom-client';
import type { ApiCall } from './api-metrics.ts';
import type { Exposition } from './health.ts';
import { createProgramMetrics } from './program-metrics.ts';

/** What is looked at when somebody asks for metrics; nothing of it is kept on the way of a call. */
export interface HostFacts {
  readonly ready: boolean;
  /** CNI calls being carried out. */
  readonly busy: number;
  /** NICs of the pool that are on the host, and whether they are up with carrier. */
  readonly nics: readonly { readonly name: string; readonly up: boolean }[];
  /** NICs that pods have for themselves. */
  readonly lent: number;
  /** By network. */
  readonly attachments: ReadonlyMap<string, number>;
  /** One for each block that the host serves. */
  readonly pools: readonly {
    readonly network: string;
    readonly nic: string;
    readonly held: number;
    readonly resting: number;
    /** Addresses that pods can have. */
    readonly capacity: bigint;
  }[];
  /** Problems with host routes, by routed network. */
  readonly routes: ReadonlyMap<string, number>;
  /** DELs that wait in the spool, and what became of those before. */
  readonly spool: { readonly waiting: number; readonly replayed: number; readonly failed: number };
}

/** The closed list of the daemon's metrics; docs/metrics.md has each. No label carries a pod, an address or a container. */
export interface DaemonMetrics extends Exposition {
  readonly apiCall: (call: ApiCall) => void;
  /** Seconds of each CNI call, by verb and outcome (`ok` or the CNI error code). */
  cniCall(verb: string, outcome: string, seconds: number): void;
  /** Asked at each scrape, from now on. */
  follow(facts: () => Promise<HostFacts>): void;
}

/** The verb is the caller's text: of what is none there is one series. */
const verbs: ReadonlySet<string> = new Set(['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION']);

export function createDaemonMetrics(): DaemonMetrics {
  const { registry, gauge, apiCall } = createProgramMetrics();
  const calls = new Histogram({
    name: 'multinic_cni_call_seconds',
    help: 'Seconds from request to answer of CNI calls, by verb and outcome (ok, or the CNI error code)',
    labelNames: ['verb', 'outcome'],
    buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100],
    registers: [registry],
  });
  const ready = gauge('multinic_ready', '1 when the daemon serves ADD');
  const busy = gauge('multinic_cni_calls_running', 'CNI calls being carried out');
  const nics = gauge('multinic_nic_up', '1 when a NIC of the pool is up and has carrier', ['nic']);
  const lent = gauge('multinic_nics_lent', 'NICs that are not on the host, since pods have them');
  const attachments = gauge('multinic_attachments', 'Attachments on this host', ['network']);
  const addresses = gauge(
    'multinic_pool_addresses',
    "Addresses of the host's block on a NIC: held by pods, resting after release, free",
    ['network', 'nic', 'state'],
  );
  const routes = gauge('multinic_routes_in_sync', '1 when the host routes of the network are as planned', ['network']);
  const spool = gauge('multinic_spool_entries', 'DELs that came while the daemon was away and are not done yet');
  const replays = gauge('multinic_spool_replays', 'Tries to do a DEL of the spool since start, by outcome', [
    'outcome',
  ]);
  let facts: (() => Promise<HostFacts>) | undefined;

  function show(now: HostFacts): void {
    ready.set(now.ready ? 1 : 0);
    busy.set(now.busy);
    lent.set(now.lent);
    for (const one of [nics, attachments, addresses, routes]) one.reset();
    for (const { name, up } of now.nics) nics.set({ nic: name }, up ? 1 : 0);
    for (const [network, count] of now.attachments) attachments.set({ network }, count);
    for (const { network, nic, held, resting, capacity } of now.pools) {
      const free = Math.max(0, Number(capacity) - held - resting);
      for (const [state, count] of Object.entries({ held, resting, free })) {
        addresses.set({ network, nic, state }, count);
      }
    }
    for (const [network, problems] of now.routes) routes.set({ network }, problems === 0 ? 1 : 0);
    spool.set(now.spool.waiting);
    for (const outcome of ['replayed', 'failed'] as const) replays.set({ outcome }, now.spool[outcome]);
  }

  return {
    contentType: registry.contentType,
    text: async () => {
      if (facts !== undefined) show(await facts());
      return registry.metrics();
    },
    apiCall,
    cniCall: (verb, outcome, seconds) => calls.observe({ verb: verbs.has(verb) ? verb : 'other', outcome }, seconds),
    follow: (source) => {
      facts = source;
    },
  };
}
