import { Counter, Histogram, type Registry } from 'prom-client';

/** One request to the API server and what came of it. */
export interface ApiCall {
  readonly method: string;
  readonly path: string;
  readonly watch: boolean;
  /** HTTP status; 0: no answer. */
  readonly code: number;
  readonly ms: number;
}

/** Counts requests to the API server, for any program that makes some. */
export function createApiMetrics(registry: Registry): (call: ApiCall) => void {
  const calls = new Counter({
    name: 'multinic_api_calls_total',
    help: 'Requests to the API server, by verb, resource and HTTP status (0: no answer)',
    labelNames: ['verb', 'resource', 'code'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'multinic_api_call_seconds',
    help: 'Seconds from a request to the API server to the head of its answer',
    labelNames: ['verb'],
    buckets: [0.005, 0.025, 0.1, 0.5, 1, 5, 30],
    registers: [registry],
  });
  const restarts = new Counter({
    name: 'multinic_watch_restarts_total',
    help: 'Watches opened again; about one in 5 to 10 minutes and resource is routine',
    labelNames: ['resource'],
    registers: [registry],
  });
  const watched = new Set<string>();
  return (call) => {
    const { verb, resource } = aimOf(call);
    calls.inc({ verb, resource, code: String(call.code) });
    seconds.observe({ verb }, call.ms / 1_000);
    if (verb !== 'watch') return;
    if (watched.has(resource)) restarts.inc({ resource });
    watched.add(resource);
  };
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** The verb as RBAC calls it, and the resource with its subresource; of other paths (`/version`) the resource is empty. */
export function aimOf({ method, path, watch }: Pick<ApiCall, 'method' | 'path' | 'watch'>): {
  readonly verb: string;
  readonly resource: string;
} {
  const [root, ...rest] = path.split('/').slice(1);
  const known = root === 'api' || root === 'apis';
  const inGroup = rest.slice(root === 'api' ? 1 : 2);
  const [resource = '', name, subresource] =
    inGroup[0] === 'namespaces' && inGroup.length > 2 ? inGroup.slice(2) : inGroup;
  const read = watch ? 'watch' : name === undefined && known ? 'list' : 'get';
  return {
    verb: verbs[method] ?? read,
    resource: known ? [resource, subresource].filter((part) => part !== undefined).join('/') : '',
  };
}
