import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { daemonPoints } from '../../faults/daemon-points.ts';
import { delegatePoints } from '../../faults/delegate-points.ts';
import { type Outcome, runEnginePoints } from '../../faults/engine-run.ts';
import { type HostPoint, runHostPoints } from '../../faults/host-run.ts';
import { ipamPoints } from '../../faults/ipam-points.ts';
import { lentPoints } from '../../faults/lent-points.ts';
import { plainIpamPoints } from '../../faults/plain-ipam-points.ts';
import { routePoints } from '../../faults/route-points.ts';
import { scenes } from '../../faults/scenes.ts';
import { shimPoints } from '../../faults/shim-points.ts';
import { twoPoints } from '../../faults/two-points.ts';

/** All of them run in `npm run faults`; the daemon's, many times over, in kill.test.ts; their names are in test/unit/faults. */

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'multinic-faults-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const unclean = (outcomes: readonly Outcome[]): Outcome[] => outcomes.filter(({ left }) => left.length > 0);

/** @throws Error for a name that no point has */
function named<P extends { readonly name: string }>(points: readonly P[], ...names: string[]): P[] {
  return names.map((name) => {
    const point = points.find((one) => one.name === name);
    if (point === undefined) throw new Error(`no point ${name}`);
    return point;
  });
}

test('a delegate or an IPAM plugin is killed, the daemon is started anew, DEL: nothing is left, no lease either', async () => {
  const some = [
    ...daemonPoints(scenes.direct).slice(-1),
    ...daemonPoints(scenes.bySource).filter(({ name }) => name === 'ADD at add:before-finish'),
    ...delegatePoints().filter((_point, index) => index % 4 === 1),
    ...named(ipamPoints(), 'ADD at add:delegates', 'host-local in ADD of net1-1, after its work'),
    ...named(twoPoints(), 'both, host-local in DEL of net1-1, before its work'),
    ...lentPoints().filter((_point, index) => index % 8 === 4),
  ];
  const outcomes = await runEnginePoints(some);
  expect(unclean(outcomes)).toEqual([]);
  expect(outcomes).toHaveLength(some.length);
});

test('what is left is found: a link, its address, a rule, a route, in the pod and on the host; a lease', async () => {
  const [outcome] = await runEnginePoints(daemonPoints(scenes.hostLocal).slice(-1), {
    beforeLook({ world, netns, books }) {
      world.namespaces.ip(netns, 'link', 'add', 'left', 'type', 'veth');
      world.namespaces.ip(netns, 'address', 'add', '10.9.9.9/24', 'dev', 'left');
      world.namespaces.ip(netns, 'rule', 'add', 'from', '10.9.9.9', 'lookup', '77');
      world.namespaces.ip(netns, 'route', 'add', 'blackhole', '10.8.0.0/16', 'table', '77');
      world.namespaces.ip(world.host, 'rule', 'add', 'from', '10.9.9.9', 'lookup', '77');
      world.namespaces.ip(world.host, 'route', 'add', '10.8.0.0/16', 'dev', 'eth2');
      writeFileSync(join(books.dataDir, 'local/10.9.0.200'), 'nobody');
      writeFileSync(join(books.dataDir, 'local/fd00:9::200'), 'nobody');
    },
  });
  expect(outcome?.left.map((text) => text.replace(/ [\da-f:]{17} .*| protocol .*| of family .*/, '')).sort()).toEqual([
    'host: route 4 10.8.0.0/16 dev eth2 table 254',
    'host: rule 4 32765 from 10.9.9.9/32 lookup 77',
    "lease 10.9.0.200 in host-local's book of local",
    "lease fd00:9::200 in host-local's book of local",
    'pod: address 10.9.9.9/24',
    'pod: link left',
    'pod: link veth0',
    'pod: route 4 10.8.0.0/16 dev undefined table 77',
    'pod: rule 4 32765 from 10.9.9.9/32 lookup 77',
  ]);
});

test('the shim is killed, or with the daemon: nothing is left, in the spool neither', async () => {
  const some = [
    ...shimPoints.filter(({ victim }) => victim === 'shim'),
    ...named(shimPoints, 'ADD, both at add:delegates'),
  ];
  const outcomes = await runHostPoints(root, some);
  expect(unclean(outcomes)).toEqual([]);
  expect(outcomes).toHaveLength(7);
});

test('addresses for a macvlan that somebody configured, routes of the host: given back and as planned, whoever died', async () => {
  const points: readonly (readonly HostPoint[])[] = [
    named(plainIpamPoints, 'DEL at del:started', 'IPAM plugin in ADD, after its work', 'ADD, both at add:committed'),
    named(routePoints, 'ADD at add:delegates', 'routes are taken away, at the fifth'),
  ];
  const outcomes = (await Promise.all(points.map((some) => runHostPoints(root, some)))).flat();
  expect(unclean(outcomes)).toEqual([]);
  expect(outcomes).toHaveLength(5);
});

test('on a whole host what is left is found too: a route and a rule, an address that is held', async () => {
  const [outcome] = await runHostPoints(root, named(shimPoints, 'ADD as soon as it is started'), {
    settleMs: 0,
    async beforeHostLook({ place, call }) {
      await place.host.exec(['ip', 'route', 'add', '10.101.0.0/16', 'via', '10.1.1.99', 'proto', '77']);
      await place.host.exec(['ip', 'rule', 'add', 'priority', '2000', 'from', '10.101.0.0/16', 'lookup', '20000']);
      await call('ADD');
    },
  });
  const left = outcome?.left.join('\n') ?? '';
  for (const thing of [
    'host: route 4 10.101.0.0/16 via 10.1.1.99',
    'host: rule 4 2000 from 10.101.0.0/16 lookup 20000',
  ])
    expect(left).toContain(thing);
  for (const thing of ['pod: link net1-1', 'held: ', '1 attachments in the store', '2 addresses in the store'])
    expect(left).toContain(thing);
});
