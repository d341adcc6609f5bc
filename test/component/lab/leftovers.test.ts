import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../../../src/lab/cluster/wait.ts';
import { createLab, type Lab } from '../../../src/lab/lab.ts';
import { difference, type Leftover } from '../../../src/lab/leftovers/difference.ts';
import { type ItemKind, itemKinds, type Listing } from '../../../src/lab/leftovers/item.ts';
import { listLab } from '../../../src/lab/leftovers/listing.ts';
import { rootLinkName } from '../../../src/lab/run/clean.ts';
import { identify, isAlive } from '../../../src/lab/run/processes.ts';

/** One thing of a kind, put somewhere and taken away again. */
interface Plant {
  readonly kind: ItemKind;
  readonly place: string;
  /** How the listing names it. */
  readonly text: string;
  plant(): Promise<void> | void;
  remove(): Promise<void> | void;
}

describe('the listing of everything that stands', () => {
  let lab: Lab;
  let before: Listing;

  beforeAll(async () => {
    lab = await createLab({ hosts: 2, nics: 1 });
    // The daemon of host1 holds its store alone and empties its spool: nothing can be planted there while it runs.
    await lab.killDaemon(host());
    before = await listLab(lab);
  });

  afterAll(async () => {
    await lab?.close();
  });

  test('nothing differs when nothing has happened', async () => {
    expect(difference(before, await listLab(lab))).toEqual([]);
  });

  test('one of each kind is counted by name, and no longer when it is gone', async () => {
    const plants = plantsIn(lab);
    expect(new Set(plants.map(({ kind }) => kind))).toEqual(new Set(itemKinds));
    for (const plant of plants) {
      await plant.plant();
      const left = difference(before, await listLab(lab));
      expect(
        left.filter((leftover) => isThe(plant, leftover)),
        `${plant.kind} ${plant.text}`,
      ).toHaveLength(1);
      await plant.remove();
      expect(difference(before, await listLab(lab)), `${plant.kind} removed`).toEqual([]);
    }
  });

  test('all of them at once are all counted', async () => {
    const plants = plantsIn(lab);
    for (const plant of plants) await plant.plant();
    const left = difference(before, await listLab(lab));
    for (const plant of plants) {
      expect(
        left.filter((leftover) => isThe(plant, leftover)),
        `${plant.kind} ${plant.text}`,
      ).toHaveLength(1);
    }
    for (const plant of plants.toReversed()) await plant.remove();
    expect(difference(before, await listLab(lab))).toEqual([]);
  });

  test('what is missing is counted, too', async () => {
    const [route, added] = [
      ['route', 'delete', 'default'],
      ['route', 'add', 'default', 'via'],
    ];
    await must(['ip', ...route]);
    const left = difference(before, await listLab(lab));
    await must(['ip', ...added, lab.bare.network.mgmtAddress]);
    expect(left.map(({ change, kind, place }) => `${change} ${kind} ${place}`)).toEqual(['missing route host1']);
    expect(difference(before, await listLab(lab))).toEqual([]);
  });

  function host(): Lab['hosts'][number] {
    const [first] = lab.hosts;
    if (first === undefined) throw new Error('the lab has no host');
    return first;
  }

  async function must(argv: readonly string[]): Promise<string> {
    const outcome = await host().exec(argv);
    if (outcome.code !== 0) throw new Error(`${argv.join(' ')}: ${outcome.stderr}`);
    return outcome.stdout;
  }

  function isThe(plant: Plant, { change, kind, place, text }: Leftover): boolean {
    return change === 'added' && kind === plant.kind && place === plant.place && text === plant.text;
  }

  /** One of each kind on host1, and what can stand elsewhere there as well. */
  function plantsIn(lab: Lab): Plant[] {
    const ip = (...args: string[]) => must(['ip', ...args]).then(() => undefined);
    const planted = (
      kind: ItemKind,
      text: string,
      plant: Plant['plant'],
      remove: Plant['remove'],
      place = 'host1',
    ) => ({
      kind,
      place,
      text,
      plant,
      remove,
    });
    const state = join(host().dir, 'var/lib/multinic');
    let pid = '';
    // By its name none of another lab's, should one look at the machine right now.
    const stray = `${rootLinkName(lab.id)}-stray`;
    return [
      planted(
        'link',
        'stray',
        () => ip('link', 'add', 'stray', 'type', 'bridge'),
        () => ip('link', 'del', 'stray'),
      ),
      planted(
        'address',
        '192.0.2.9/24 on eth1',
        () => ip('addr', 'add', '192.0.2.9/24', 'dev', 'eth1'),
        () => ip('addr', 'del', '192.0.2.9/24', 'dev', 'eth1'),
      ),
      planted(
        'rule',
        '77: from 192.0.2.0/24 lookup 4242',
        () => ip(...rule('add')),
        () => ip(...rule('del')),
      ),
      planted(
        'rule',
        '78: from fd00:77::/64 lookup 4242 (v6)',
        () => ip('-6', ...rule6('add')),
        () => ip('-6', ...rule6('del')),
      ),
      planted(
        'route',
        '192.0.2.0/24 via 10.1.1.12 dev eth1 table 4242',
        () => ip(...route('add')),
        () => ip(...route('del')),
      ),
      planted(
        'sysctl',
        'ipv4/conf/eth1/arp_ignore = 2',
        () => sysctl('2'),
        () => sysctl('0'),
      ),
      planted(
        'namespace',
        'stray',
        () => ip('netns', 'add', 'stray'),
        () => ip('netns', 'del', 'stray'),
      ),
      planted(
        'mount',
        'tmpfs at /mnt',
        () => must(['mount', '-t', 'tmpfs', 'stray', '/mnt']).then(() => undefined),
        () => must(['umount', '/mnt']).then(() => undefined),
      ),
      planted(
        'process',
        'sleep 7777',
        async () => {
          pid = (await must(['sh', '-c', 'sleep 7777 >/dev/null 2>&1 & echo $!'])).trim();
        },
        async () => {
          const sleeper = identify(Number(pid));
          process.kill(Number(pid), 'SIGKILL');
          await until('the end of sleep 7777', () => (sleeper && isAlive(sleeper) ? undefined : true));
        },
      ),
      planted(
        'row',
        'meta: stray',
        () => inStore(state, "insert into meta values ('stray', 'x')"),
        () => inStore(state, "delete from meta where name = 'stray'"),
      ),
      planted(
        'spool',
        'stray',
        () =>
          must(['sh', '-c', 'mkdir -p /var/lib/multinic/spool && touch /var/lib/multinic/spool/stray']).then(
            () => undefined,
          ),
        () => must(['rm', '/var/lib/multinic/spool/stray']).then(() => undefined),
      ),
      planted(
        'object',
        'ConfigMap default/stray',
        () => lab.api.kubectl(['create', 'configmap', 'stray']).then(() => undefined),
        () => lab.api.kubectl(['delete', 'configmap', 'stray']).then(() => undefined),
        'cluster',
      ),
      planted(
        'link',
        stray,
        () => void execFileSync('ip', ['link', 'add', 'name', stray, 'type', 'bridge']),
        () => void execFileSync('ip', ['link', 'delete', stray]),
        'machine',
      ),
    ];
  }

  async function sysctl(value: string): Promise<void> {
    await must(['sh', '-c', `echo ${value} > /proc/sys/net/ipv4/conf/eth1/arp_ignore`]);
  }
});

const rule = (what: string) => ['rule', what, 'from', '192.0.2.0/24', 'lookup', '4242', 'priority', '77'];
const rule6 = (what: string) => ['rule', what, 'from', 'fd00:77::/64', 'lookup', '4242', 'priority', '78'];
const route = (what: string) => ['route', what, '192.0.2.0/24', 'via', '10.1.1.12', 'dev', 'eth1', 'table', '4242'];

function inStore(dir: string, statement: string): void {
  const database = new DatabaseSync(join(dir, 'state.sqlite'));
  database.exec(statement);
  database.close();
}
