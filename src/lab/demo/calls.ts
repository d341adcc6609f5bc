import type { ApiRequest } from '../cluster/api.ts';

/** What daemons asked the API server for in a stretch of time. */
export interface DaemonCalls {
  /** Requests that no ADD or DEL may make. */
  readonly calls: readonly ApiRequest[];
  /** Writes of IPPools and HostInterfaces, which publish what was done. */
  readonly publishWrites: readonly ApiRequest[];
  /** Objects that were written more often than once and once more every 10 s. */
  readonly tooOften: readonly string[];
}

/** s between two writes of one object. */
const publishPeriod = 10;

/**
 * Sorts the requests of daemons, known by their user, between two times (ms since the epoch). A watch that was open before is
 * in no stretch; one that is opened in it counts.
 */
export function daemonCalls(requests: readonly ApiRequest[], from: number, to: number): DaemonCalls {
  const theirs = requests.filter(({ user, time }) => user.startsWith('daemon:') && time >= from && time <= to);
  const publishWrites = theirs.filter(isPublish);
  const allowed = 1 + Math.floor((to - from) / 1000 / publishPeriod);
  const byObject = Map.groupBy(
    publishWrites,
    ({ resource, subresource, name }) => `${resource}/${name} ${subresource}`,
  );
  return {
    calls: theirs.filter((request) => !isPublish(request)),
    publishWrites,
    tooOften: [...byObject].filter(([, writes]) => writes.length > allowed).map(([object]) => object.trim()),
  };
}

function isPublish({ verb, resource }: ApiRequest): boolean {
  return /^(create|update|patch)$/.test(verb) && /^(ippools|hostinterfaces)\.multinic\.fms\.io$/.test(resource);
}
