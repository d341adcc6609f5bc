import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from '../../src/daemon/attach/deps.ts';
import type { Run } from '../conformance/run-program.ts';
import { atStep } from '../support/serving/at-step.ts';
import type { Site } from './host-run.ts';
import { inTime, patienceMs } from './patience.ts';

/** The daemon that stops at steps. */
export const stepping = join(import.meta.dirname, '../support/serving/stepping.ts');

type Verb = 'ADD' | 'DEL';

/** The daemon kills itself at a step of the call, and another one comes, as in a cluster; the shim asks it again, or spools. */
export async function killedAtStep(site: Site, verb: Verb, step: Step): Promise<void> {
  const { place, call } = site;
  if (verb === 'DEL') await added(site);
  atStep(place.host.dir, step, 'SIGKILL');
  const asked = call(verb);
  await ended(site, step);
  await place.process.start();
  await asked;
}

/** It dies once more before it serves, at a step of what the crash left. */
export async function killedAtStart(site: Site, first: Step, second: Step): Promise<void> {
  const { place, call } = site;
  atStep(place.host.dir, first, 'SIGKILL');
  const asked = call('ADD');
  await ended(site, first);
  await diesAtStart(site, () => atStep(place.host.dir, second, 'SIGKILL'));
  await place.process.start();
  await asked;
}

/** Starts the daemon that is going to be killed before it serves, or shortly after. */
export async function diesAtStart({ place }: Site, arrange: () => void): Promise<void> {
  arrange();
  const how = await place.process.start().then(
    () => 'served',
    () => 'ended',
  );
  if (how === 'served') await inTime(place.process.ended(), 'it was not killed');
}

/** Both die while the daemon stands at a step of the call. @param kill of the shim, unless it is what the call starts */
export async function bothKilledAt(site: Site, verb: Verb, step: Step, kill?: () => void): Promise<void> {
  await stoppedAt(site, verb, step, async (killProgram) => {
    (kill ?? killProgram)();
    await site.place.process.signal('SIGKILL');
    await site.place.process.start();
  });
}

/** Stops the daemon at a step of a call, and has something done with it there. @returns the call's end */
export async function stoppedAt(
  site: Site,
  verb: Verb,
  step: Step,
  work: (killProgram: () => void) => Promise<unknown>,
): Promise<Run> {
  const { place, call } = site;
  if (verb === 'DEL') await added(site);
  atStep(place.host.dir, step, 'SIGSTOP');
  let killProgram = (): void => undefined;
  const asked = call(verb, { started: (kill) => (killProgram = kill) });
  for (const end = Date.now() + patienceMs; !place.process.stopped(); await sleep(10)) {
    if (Date.now() > end) throw new Error(`${step} was not passed`);
  }
  await work(killProgram);
  return asked;
}

async function added({ call }: Site): Promise<void> {
  const { status, stdout } = await call('ADD');
  if (status !== 0) throw new Error(`ADD failed: ${stdout}`);
}

function ended({ place }: Site, step: Step): Promise<void> {
  return inTime(place.process.ended(), `${step} was not passed: nothing was killed`);
}
