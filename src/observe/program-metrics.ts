import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { type ApiCall, createApiMetrics } from './api-metrics.ts';
import { version } from './version.ts';

/** A registry with what every program of multinic shows: its process, its version, its requests to the API server. */
export interface ProgramMetrics {
  readonly registry: Registry;
  readonly apiCall: (call: ApiCall) => void;
  /** A gauge of the program's own in the registry. */
  readonly gauge: <T extends string>(name: string, help: string, labelNames?: T[]) => Gauge<T>;
}

export function createProgramMetrics(): ProgramMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge: ProgramMetrics['gauge'] = (name, help, labelNames = []) =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  gauge('multinic_build_info', 'Always 1; the version is a label', ['version']).set({ version }, 1);
  return { registry, gauge, apiCall: createApiMetrics(registry) };
}
