import { Counter, Histogram } from 'prom-client';
import type { MultiNicNetwork } from '../api/kinds/multinicnetwork.ts';
import type { ApiCall } from './api-metrics.ts';
import type { Exposition } from './health.ts';
import { createProgramMetrics } from './program-metrics.ts';

/** What is looked at when somebody asks for metrics. */
export interface OperatorFacts {
  readonly leading: boolean;
  /** As the copy of the API server has them; of a follower nothing is told of them. */
  readonly networks: readonly MultiNicNetwork[];
  /** Keys that wait, by controller. */
  readonly queues: ReadonlyMap<string, number>;
  /** Events that are not written yet. */
  readonly events: number;
}

/** The closed list of the operator's metrics; docs/metrics.md has each with its meaning. */
export interface OperatorMetrics extends Exposition {
  readonly apiCall: (call: ApiCall) => void;
  reconciled(controller: string, result: string, seconds: number): void;
  /** Asked at each scrape, from now on. */
  follow(facts: () => OperatorFacts): void;
}

export function createOperatorMetrics(): OperatorMetrics {
  const { registry, gauge, apiCall } = createProgramMetrics();
  const reconciles = new Counter({
    name: 'multinic_reconciles_total',
    help: 'Objects that a controller has looked at; conflict: another writer was faster, which is no error',
    labelNames: ['controller', 'result'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'multinic_reconcile_seconds',
    help: 'Seconds that a controller took for one object',
    labelNames: ['controller'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [registry],
  });
  const depth = gauge('multinic_queue_depth', 'Objects that wait for a controller', ['controller']);
  const events = gauge('multinic_events_waiting', 'Events that are not written yet');
  const leader = gauge('multinic_leader', '1 on the operator that leads, 0 on those that would take over');
  const networks = gauge('multinic_networks', 'MultiNicNetworks by condition, its status and its reason', [
    'condition',
    'status',
    'reason',
  ]);
  const ready = gauge('multinic_network_ready', '1 when the network is Ready', ['network']);
  const hosts = gauge('multinic_network_hosts', 'Hosts that have a block of the network', ['network']);
  const attachments = gauge('multinic_network_attachments', 'Attachments to the network on all hosts', ['network']);
  let facts: () => OperatorFacts = () => ({ leading: false, networks: [], queues: new Map(), events: 0 });

  function refresh(): void {
    const now = facts();
    leader.set(now.leading ? 1 : 0);
    events.set(now.events);
    for (const [controller, waiting] of now.queues) depth.set({ controller }, waiting);
    for (const one of [networks, ready, hosts, attachments]) one.reset();
    for (const { metadata, status } of now.leading ? now.networks : []) {
      const labels = { network: metadata.name };
      const conditions = status?.conditions ?? [];
      for (const { type, status: holds, reason } of conditions) {
        networks.inc({ condition: type, status: holds, reason });
      }
      ready.set(labels, conditions.some((one) => one.type === 'Ready' && one.status === 'True') ? 1 : 0);
      hosts.set(labels, status?.hosts ?? 0);
      attachments.set(labels, status?.attachments ?? 0);
    }
  }

  return {
    contentType: registry.contentType,
    text: () => {
      refresh();
      return registry.metrics();
    },
    apiCall,
    reconciled: (controller, result, took) => {
      reconciles.inc({ controller, result });
      seconds.observe({ controller }, took);
    },
    follow: (source) => {
      facts = source;
    },
  };
}
