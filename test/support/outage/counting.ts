import { type BackoffLimits, backoffDelay, itemBackoff, watchBackoff } from '../../../src/kube/backoff.ts';
import { ApiError } from '../../../src/lab/apiserver/api-error.ts';
import { missingMs } from '../../../src/operator/caches.ts';
import type { Outage } from './faults.ts';
import type { Sent } from './wire.ts';

/** Calls of one loop: lists and watches of one resource are one, and so are the writes of one object. */
export interface Count {
  /** `agent METHOD path`. */
  readonly loop: string;
  readonly calls: number;
}

const loopOf = ({ agent, method, path }: Sent): string => `${agent} ${method} ${path}`;

/** Most first. */
export function countsOf(sent: readonly Sent[]): Count[] {
  const counts = new Map<string, number>();
  for (const one of sent) counts.set(loopOf(one), (counts.get(loopOf(one)) ?? 0) + 1);
  return [...counts].map(([loop, calls]) => ({ loop, calls })).sort((a, b) => b.calls - a.calls);
}

/**
 * How often a loop can try at the most in that time (ms), each try taking none.
 * @param spread the least part of a delay that is waited
 */
function triesWithin(ms: number, limits: BackoffLimits, spread: number): number {
  let tries = 1;
  for (let passed = 0; passed <= ms; tries++) passed += spread * backoffDelay(tries, limits);
  return tries;
}

/**
 * What the arithmetic of back-offs allows the loop in that time (ms): for lists and watches their own, for all else that of a key.
 * @param news how often something new was to be told meanwhile: each may end a back-off early
 */
export function boundOf(loop: string, { how, callsPerTry = 1 }: Outage, ms: number, news: number): number {
  const reads = / GET \/apis?(\/[^/]+)?\/v1\/[^/]+$/.test(loop);
  // The operator, one for all hosts, asks more often whether its kinds are back.
  const missing = how instanceof ApiError && how.code === 404 && loop.includes('operator');
  const limits = missing ? { ...watchBackoff, max: missingMs } : watchBackoff;
  return callsPerTry * (reads ? triesWithin(ms, limits, 0.5) : triesWithin(ms, itemBackoff, 1) + news);
}

/** Calls that the outage met before the time that the server had asked for. */
export function tooSoon(sent: readonly Sent[], { of, retryAfter = 0 }: Outage): string[] {
  const last = new Map<string, number>();
  return sent
    .filter(({ method }) => of === 'all' || method !== 'GET')
    .flatMap((one) => {
      const pause = one.at - (last.get(loopOf(one)) ?? Number.NEGATIVE_INFINITY);
      last.set(loopOf(one), one.at);
      return pause < retryAfter * 1000 ? [`${loopOf(one)} after ${pause} ms`] : [];
    });
}

/** For people: how many there were, and the loop that made most of them. */
export function lineOf({ name }: Outage, counts: readonly Count[]): string {
  const all = (agent: string): number =>
    counts.filter(({ loop }) => loop.includes(agent)).reduce((sum, { calls }) => sum + calls, 0);
  const most = counts[0] === undefined ? 'none' : `${counts[0].calls} × ${counts[0].loop}`;
  return `ten minutes of ${name}: operator ${all('operator')}, daemon ${all('daemon')} calls; most: ${most}`;
}
