import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The closed list of the daemon's metrics. No label carries a pod, an address or a container: cardinality stays bounded. */
export interface DaemonMetrics {
  readonly registry: Registry;
  /** Seconds of each CNI call, by verb and outcome (`ok` or the CNI error code). */
  cniCall(verb: string, outcome: string, seconds: number): void;
  attachments(network: string, count: number): void;
  routes(network: string, inSync: boolean): void;
}

export function createDaemonMetrics(): DaemonMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const calls = new Histogram({
    name: 'multinic_cni_call_seconds',
    help: 'Seconds from request to answer of CNI calls',
    labelNames: ['verb', 'outcome'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100],
    registers: [registry],
  });
  const attachments = new Gauge({
    name: 'multinic_attachments',
    help: 'Attachments on this host',
    labelNames: ['network'],
    registers: [registry],
  });
  const routes = new Gauge({
    name: 'multinic_routes_in_sync',
    help: '1 when the host routes of the network are as planned',
    labelNames: ['network'],
    registers: [registry],
  });
  return {
    registry,
    cniCall: (verb, outcome, seconds) => calls.observe({ verb, outcome }, seconds),
    attachments: (network, count) => attachments.set({ network }, count),
    routes: (network, inSync) => routes.set({ network }, inSync ? 1 : 0),
  };
}
