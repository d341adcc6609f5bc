import { expect, test } from 'vitest';
import { engineGroups, hostGroups } from '../../faults/groups.ts';

const names = new Map<string, string[]>();
for (const { scene, victim, name } of [...engineGroups(), ...hostGroups()].flat()) {
  names.set(scene.name, [...(names.get(scene.name) ?? []), `${victim}: ${name}`]);
}

const adding = ['committed', 'prepared', 'delegates', 'before-finish', 'finished'].map((step) => `add:${step}`);
const undoing = ['started', 'delegates-done', 'links-gone', 'removed'].map((step) => `del:${step}`);
/** The daemon in each scene of the engine. */
const daemon = [
  ...adding.map((step) => `daemon: ADD at ${step}`),
  ...undoing.map((step) => `daemon: DEL at ${step}`),
  ...undoing.map((step) => `daemon: failed ADD, undone, at ${step}`),
  ...undoing.map((step) => `daemon: start after a crash, at ${step}`),
  'daemon: ADD while a delegate runs',
];
const around = (plugin: string, ifname: string, verbs = ['ADD', 'DEL']): string[] =>
  ['before', 'after'].flatMap((when) => verbs.map((verb) => `${plugin} in ${verb} of ${ifname}, ${when} its work`));
const killed = (...parts: Parameters<typeof around>): string[] => around(...parts).map((name) => `delegate: ${name}`);
const both = (...parts: Parameters<typeof around>): string[] =>
  around(...parts).map((name) => `daemon and delegate: both, ${name}`);

const wanted: Readonly<Record<string, readonly string[]>> = {
  'links by the daemon': daemon,
  'links by delegates': [
    ...daemon,
    ...['net1', 'net1-1'].flatMap((ifname) => [
      `delegate: ADD of ${ifname} before its link`,
      `delegate: ADD of ${ifname} with its link under a passing name`,
      `delegate: ADD of ${ifname} with its link, before its answer`,
    ]),
    'delegate: DEL of a failed ADD before its link is deleted',
    'delegate: DEL of a failed ADD after its link is deleted',
    ...both('macvlan', 'net1-1', ['ADD']),
  ],
  'chained plugins': [
    ...daemon,
    ...killed('tuning', 'net1-1'),
    ...killed('sbr', 'net1-1'),
    ...killed('bandwidth', 'net1-1'),
    ...both('bandwidth', 'net1-1'),
  ],
  'routing by source': daemon,
  'routing by source, links by delegates': [...daemon, ...killed('macvlan', 'net1-1', ['ADD'])],
  'host-local': [
    ...daemon,
    ...killed('host-local', 'net1'),
    ...killed('host-local', 'net1-1'),
    ...killed('macvlan', 'net1-1'),
    ...both('host-local', 'net1-1'),
  ],
  'multi-config': [...daemon, ...killed('host-local', 'net1-1'), ...killed('bridge', 'net1-1')],
  dhcp: [...daemon, ...killed('dhcp', 'net1'), ...killed('dhcp', 'net1-1'), ...killed('macvlan', 'net1-1')],
  'lent NICs': [
    ...daemon,
    'daemon: DEL at lent:out',
    'daemon: DEL at lent:restored',
    'daemon: DEL at lent:returned',
    'delegate: ADD before it took the NIC',
    'delegate: ADD with the NIC in the pod under its own name',
    'delegate: ADD with the NIC in the pod, before its answer',
    'delegate: DEL before it took the NIC out',
    'delegate: DEL with the NIC in the pod under its own name',
    'delegate: DEL with the NIC on the host again',
    ...both('host-device', 'net1-1'),
  ],
  shim: [
    'shim: ADD as soon as it is started',
    'shim: ADD while delegates run',
    'shim: ADD while it waits for a daemon that is away',
    'shim: DEL as soon as it is started',
    'shim: DEL while the daemon is at it',
    'shim: DEL while it writes into the spool',
    ...adding.filter((step) => step !== 'add:prepared').map((step) => `daemon and shim: ADD, both at ${step}`),
    ...undoing.map((step) => `daemon and shim: DEL, both at ${step}`),
  ],
  'multi-nic-ipam as plain IPAM': [
    'daemon: ADD at add:committed',
    'daemon: ADD at add:before-finish',
    'daemon: ADD at add:finished',
    ...undoing.map((step) => `daemon: DEL at ${step}`),
    ...undoing.map((step) => `daemon: start after a crash, at ${step}`),
    ...['ADD', 'DEL'].flatMap((verb) =>
      ['before', 'after'].flatMap((when) => [
        `shim: IPAM plugin in ${verb}, ${when} its work`,
        `delegate: macvlan in ${verb}, ${when} its work`,
      ]),
    ),
    ...['committed', 'before-finish', 'finished'].flatMap((step) => [
      `delegate: macvlan in ADD, the daemon at add:${step}`,
      `daemon and shim: ADD, both at add:${step}`,
    ]),
  ],
  'host routes': [
    ...adding.map((step) => `daemon: ADD at ${step}`),
    ...undoing.map((step) => `daemon: DEL at ${step}`),
    'daemon: start after a crash, at del:links-gone',
    'daemon and shim: ADD, both at add:delegates',
    ...['made', 'taken away'].flatMap((what) =>
      ['before the first', 'at the fifth', 'after the last'].map((when) => `daemon: routes are ${what}, ${when}`),
    ),
  ],
};

test('these points of failure are gone through, each by its name', () => {
  expect(new Set(names.keys())).toEqual(new Set(Object.keys(wanted)));
  for (const [scene, points] of Object.entries(wanted)) {
    expect(names.get(scene)?.toSorted(), scene).toEqual(points.toSorted());
  }
});
