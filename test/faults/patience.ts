import { setTimeout as sleep } from 'node:timers/promises';

/** How long what is sure to come is waited for, on however busy a machine, ms. */
export const patienceMs = 60_000;

/** @throws Error with that text when it takes longer */
export async function inTime(work: Promise<unknown>, otherwise: string): Promise<void> {
  const over = new AbortController();
  const late = sleep(patienceMs, false, { signal: over.signal });
  late.catch(() => undefined);
  const done = await Promise.race([work.then(() => true), late]);
  over.abort();
  if (!done) throw new Error(otherwise);
}
