import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostPlan } from '../../src/api/host.ts';
import { steps } from '../../src/daemon/attach/deps.ts';
import type { RouteLedger } from '../../src/daemon/plan/remote.ts';
import { routeProtocol } from '../../src/hostroute/constants.ts';
import type { OurPlace } from '../conformance/ours.ts';
import { type HostPoint, type HostScene, hostNetns, restart, type Site } from './host-run.ts';
import { patienceMs } from './patience.ts';
import { standIn } from './stand-ins.ts';
import { difference, stateOf } from './state.ts';
import { bothKilledAt, diesAtStart, killedAtStart, killedAtStep, stepping } from './whole-daemon.ts';

const network = 'conf-first';
/** Rails of the host, and other hosts with a block on each. */
const [rails, others] = [3, 4];
const ours = `protocol ${routeProtocol}`;

/** What the daemon remembers of the network's ledger: the API server is away. */
const ledger: RouteLedger = {
  config: { name: network, uid: `uid-${network}`, subnets: ['10.101.0.0/16'], hostBlock: 4, interfaceBlock: 4 },
  rails: Array.from({ length: rails }, (_, interfaceIndex) => ({
    interfaceIndex,
    netAddresses: [`10.1.${interfaceIndex + 1}.0/24`],
    ordinal: 0,
  })),
  hosts: Array.from({ length: others }, (_, index) => ({
    hostIndex: index + 2,
    revision: 1,
    hostName: `other${index + 2}`,
    addresses: Array.from({ length: rails }, (_, interfaceIndex) => ({
      interfaceIndex,
      hostIPs: [`10.1.${interfaceIndex + 1}.${index + 102}`],
    })),
  })),
};

/** A network whose hosts have routes to each other's blocks; its links are macvlans where a kernel has no ipvlan. */
const routed: HostScene = {
  name: 'host routes',
  wish: { network: 'first' },
  serves: {
    program: stepping,
    settings: { [`ledger:${network}`]: JSON.stringify(ledger) },
    change: (plan): HostPlan => (plan.network === network ? { ...plan, routed: true } : plan),
  },
  async prepare(place) {
    await placed(place, rails * others + 1);
    const program = standIn(join(place.dir, 'sbin'), '/usr/bin/ip', cutting);
    const folder = program.slice(0, program.lastIndexOf('/'));
    const { code, stderr } = await place.host.exec(['mount', '--bind', folder, '/usr/local/sbin']);
    if (code !== 0) throw new Error(`no other ip for the daemon: ${stderr}`);
  },
};

/**
 * `ip` of the daemon: the first time that it shall change our routes while there is a file `cut`, it does as many lines as that says,
 * and the daemon dies.
 */
const cutting = `cut="\${0%/*}/cut"
case "$*" in *-batch*) [ -e "$cut" ];; *) false;; esac || exec $REAL "$@"
in=$(cat)
case "$in" in
*"proto ${routeProtocol}"*|*"${ours}"*)
  daemon=$(cut -d ' ' -f 4 /proc/$PPID/stat)
  printf '%s\\n' "$in" | head -n "$(cat "$cut")" | $REAL "$@"
  rm "$cut"
  kill -9 "$daemon"
  exit 0;;
esac
printf '%s\\n' "$in" | $REAL "$@"`;

const adding = steps.filter((step) => step.startsWith('add:'));
const undoing = steps.filter((step) => step.startsWith('del:'));
/** How many of the routes and rules are changed when the daemon dies. */
const cuts = [
  ['before the first', 0],
  ['at the fifth', 5],
  ['after the last', rails * others + 1],
] as const;

export const routePoints: readonly HostPoint[] = [
  ...adding.map((step) => point('daemon', `ADD at ${step}`, (site) => killedAtStep(site, 'ADD', step))),
  ...undoing.map((step) => point('daemon', `DEL at ${step}`, (site) => killedAtStep(site, 'DEL', step))),
  point('daemon', 'start after a crash, at del:links-gone', (site) =>
    killedAtStart(site, 'add:delegates', 'del:links-gone'),
  ),
  point('daemon and shim', 'ADD, both at add:delegates', (site) => bothKilledAt(site, 'ADD', 'add:delegates')),
  ...cuts.map(([when, lines]) => point('daemon', `routes are made, ${when}`, (site) => cutAs(site, 'made', lines))),
  ...cuts.map(([when, lines]) =>
    point('daemon', `routes are taken away, ${when}`, (site) => cutAs(site, 'taken away', lines)),
  ),
];

function point(victim: HostPoint['victim'], name: string, run: HostPoint['run']): HostPoint {
  return { victim, scene: routed, name, run };
}

/** The network comes or goes by the plan, and the daemon dies while it changes the host's routes; with the plan as before in the end. */
async function cutAs(site: Site, what: 'made' | 'taken away', lines: number): Promise<void> {
  const { place, before } = site;
  const without = place.plans.filter((plan) => plan.network !== network);
  await place.process.signal('SIGKILL');
  if (what === 'made') {
    await place.replan(without);
    await place.process.start();
    await placed(place, 0);
    await place.process.signal('SIGKILL');
    await place.replan(place.plans);
  } else await place.replan(without);
  const cut = join(place.dir, 'sbin/cut');
  await diesAtStart(site, () => writeFileSync(cut, String(lines)));
  if (existsSync(cut)) throw new Error('no route was to be changed: nothing was killed');
  await place.process.start();
  if (what === 'made') return;
  await placed(place, 0);
  const bare = before.filter((text) => !text.includes(ours));
  const left = difference('host', bare, await stateOf(hostNetns(place)));
  await place.process.signal('SIGKILL');
  await place.replan(place.plans);
  await restart(place);
  await placed(place, rails * others + 1);
  if (left.length > 0) throw new Error(`without the network: ${left.join('; ')}`);
}

/** Waits until the host has so many routes and rules of ours. */
async function placed(place: OurPlace, count: number): Promise<void> {
  for (const end = Date.now() + patienceMs; ; await sleep(50)) {
    const there = (await stateOf(hostNetns(place))).filter((text) => text.includes(ours));
    if (there.length === count) return;
    if (Date.now() > end) throw new Error(`${there.length} routes and rules, not ${count}: ${there.join('; ')}`);
  }
}
