import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Step, steps } from '../../src/daemon/attach/deps.ts';
import type { HostPoint, HostScene, Site } from './host-run.ts';
import { die, on, once, real, standIn } from './stand-ins.ts';
import { bothKilledAt, killedAtStart, killedAtStep, stepping, stoppedAt } from './whole-daemon.ts';

const main = '/usr/lib/cni/macvlan';
const shim = '/opt/cni/bin/multi-nic-ipam';

/** A NetworkAttachmentDefinition that somebody wrote: the reference plugin macvlan, which asks `multi-nic-ipam` for an address. */
const byHand: HostScene = {
  name: 'multi-nic-ipam as plain IPAM',
  serves: { program: stepping },
  wish: {
    program: main,
    config: {
      name: 'by-hand',
      type: 'macvlan',
      mode: 'bridge',
      master: 'eth1',
      ipam: { type: 'multi-nic-ipam', network: 'conf-usual' },
      plugin: undefined,
      multiNICIPAM: undefined,
      args: undefined,
    },
  },
};

/** An ADD for addresses makes nothing. */
const adding = ['add:committed', 'add:before-finish', 'add:finished'] as const;
const undoing = steps.filter((step) => step.startsWith('del:'));

const around = (['ADD', 'DEL'] as const).flatMap((verb) =>
  (['before', 'after'] as const).map((when) => ({
    verb,
    when,
    script: on(`"${verb} net1"`, once(when === 'before' ? die() : `${real} > /dev/null; ${die()}`)),
  })),
);

export const plainIpamPoints: readonly HostPoint[] = [
  ...adding.map((step) => point('daemon', `ADD at ${step}`, (site) => killedAtStep(site, 'ADD', step))),
  ...undoing.map((step) => point('daemon', `DEL at ${step}`, (site) => killedAtStep(site, 'DEL', step))),
  ...undoing.map((step) =>
    point('daemon', `start after a crash, at ${step}`, (site) => killedAtStart(site, 'add:committed', step)),
  ),
  ...around.map(({ verb, when, script }) =>
    point('shim', `IPAM plugin in ${verb}, ${when} its work`, (site) => killedAs(site, verb, shim, script)),
  ),
  ...around.map(({ verb, when, script }) =>
    point('delegate', `macvlan in ${verb}, ${when} its work`, (site) => killedAs(site, verb, main, script)),
  ),
  ...adding.map((step) =>
    point('delegate', `macvlan in ADD, the daemon at ${step}`, async (site) => {
      await stoppedAt(site, 'ADD', step, async (kill) => {
        kill();
        await site.place.process.signal('SIGCONT');
      });
    }),
  ),
  ...adding.map((step) => point('daemon and shim', `ADD, both at ${step}`, (site) => bothWithShim(site, step))),
];

function point(victim: HostPoint['victim'], name: string, run: HostPoint['run']): HostPoint {
  return { victim, scene: byHand, name, run };
}

/** ADD, and DEL where that is what shall be met, with a script in a program's place. */
async function killedAs({ trial, call }: Site, verb: 'ADD' | 'DEL', program: string, script: string): Promise<void> {
  const file = standIn(join(trial.folder, 'stand'), program, script);
  const folder = dirname(file);
  const wish = program === main ? { program: file } : { path: [folder, ...trial.subject.path] };
  await call('ADD', wish);
  if (verb === 'DEL') await call('DEL', wish);
  if (!existsSync(join(folder, 'killed'))) throw new Error(`${program} was not called there: nothing was killed`);
}

/** The shim is what macvlan starts: it tells its id. */
async function bothWithShim(site: Site, step: Step): Promise<void> {
  const folder = join(site.trial.folder, 'stand');
  standIn(folder, shim, 'echo $$ > "${0%/*}/pid"; exec $REAL');
  const path = [folder, ...site.trial.subject.path];
  const call: Site['call'] = (verb, wish) => site.call(verb, { ...wish, path });
  await bothKilledAt({ ...site, call }, 'ADD', step, () => {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 'SIGKILL');
  });
}
