import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { readForeignTables, syncRoutes } from '../../../src/hostroute/apply.ts';
import type { HostRoute, RouteSet } from '../../../src/hostroute/types.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { createNamespaces } from '../../support/netns.ts';

const spaces = createNamespaces();
afterAll(() => spaces.end());
const kernel = createKernel();
let netns = '';

/** A host with two NICs on one network, IPv4 and IPv6. */
beforeEach(() => {
  netns = spaces.add();
  const fabric = spaces.add();
  for (const [name, last] of [
    ['eth1', 1],
    ['eth2', 2],
  ] as const) {
    spaces.veth(netns, name, fabric, name);
    spaces.ip(netns, 'addr', 'add', `10.1.0.${last}/24`, 'dev', name);
    spaces.ip(netns, 'addr', 'add', `fd01::${last}/64`, 'dev', name, 'nodad');
  }
});

function route(dst: string, via: string, dev: string, metric = 100): HostRoute {
  const prefix = parsePrefix(dst);
  return { family: prefix.family, dst: prefix, via: parseAddress(via), dev, metric };
}

function setOf(network: string, table: number, routes: readonly HostRoute[]): RouteSet {
  return { network, table, subnets: [parsePrefix('192.168.0.0/16'), parsePrefix('fd00::/48')], routes };
}

const wanted = setOf('net-a', 20_000, [
  route('192.168.1.0/24', '10.1.0.11', 'eth1'),
  route('192.168.1.0/24', '10.1.0.11', 'eth2', 201),
  route('192.168.2.7/32', '10.1.0.12', 'eth1'),
  route('fd00:0:0:1::/64', 'fd01::11', 'eth1'),
  route('fd00:0:0:1::/64', 'fd01::11', 'eth2', 201),
  route('fd00:0:0:2::/64', 'fe80::12', 'eth2'),
]);

async function sync(...sets: RouteSet[]): Promise<number> {
  const { commands, problems } = await syncRoutes(kernel, sets, { netns });
  expect([...problems]).toEqual([]);
  expect((await syncRoutes(kernel, sets, { netns })).commands).toBe(0);
  return commands;
}

const lines = (...args: string[]): string[] =>
  spaces
    .ip(netns, '-N', ...args)
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '');

describe('syncRoutes', () => {
  test('from nothing, to another set, to nothing', async () => {
    expect(await sync(wanted)).toBe(8);
    expect(lines('-4', 'route', 'show', 'table', '20000')).toEqual([
      '192.168.1.0/24 via 10.1.0.11 dev eth1 proto 77 metric 100',
      '192.168.1.0/24 via 10.1.0.11 dev eth2 proto 77 metric 201',
      '192.168.2.7 via 10.1.0.12 dev eth1 proto 77 metric 100',
    ]);
    expect(lines('-6', 'route', 'show', 'table', '20000')).toEqual([
      'fd00:0:0:1::/64 via fd01::11 dev eth1 proto 77 metric 100 pref medium',
      'fd00:0:0:1::/64 via fd01::11 dev eth2 proto 77 metric 201 pref medium',
      'fd00:0:0:2::/64 via fe80::12 dev eth2 proto 77 metric 100 pref medium',
    ]);
    expect(lines('-4', 'rule', 'show')).toContain('2000: from 192.168.0.0/16 lookup 20000 proto 77');
    expect(lines('-6', 'rule', 'show')).toContain('2000: from fd00::/48 lookup 20000 proto 77');
    spaces.ip(netns, 'addr', 'add', '192.168.0.9/32', 'dev', 'lo');
    expect(lines('-4', 'route', 'get', '192.168.1.9', 'from', '192.168.0.9')[0]).toContain('via 10.1.0.11 dev eth1');

    const changed = setOf('net-a', 20_000, [
      route('192.168.1.0/24', '10.1.0.21', 'eth2'),
      route('192.168.1.0/24', '10.1.0.21', 'eth1', 201),
      route('fd00:0:0:1::/64', 'fe80::21', 'eth2'),
      route('fd00:0:0:3::/64', 'fd01::13', 'eth1'),
    ]);
    // Four changed or new, three old.
    expect(await sync(changed)).toBe(7);
    expect(lines('-6', 'route', 'show', 'table', '20000')).toEqual([
      'fd00:0:0:1::/64 via fe80::21 dev eth2 proto 77 metric 100 pref medium',
      'fd00:0:0:3::/64 via fd01::13 dev eth1 proto 77 metric 100 pref medium',
    ]);

    await sync(setOf('net-a', 20_001, changed.routes));
    expect(await kernel.routes({ family: 4, table: 20_000, netns })).toEqual([]);
    expect(lines('-4', 'rule', 'show').filter((line) => line.includes('proto 77'))).toEqual([
      '2000: from 192.168.0.0/16 lookup 20001 proto 77',
    ]);

    await sync();
    for (const family of [4, 6] as const) {
      expect((await kernel.routes({ family, table: 'all', netns })).filter(({ protocol }) => protocol === 77)).toEqual(
        [],
      );
      expect((await kernel.rules({ family, netns })).filter(({ protocol }) => protocol === 77)).toEqual([]);
    }
  });

  test('what others delete or change is repaired', async () => {
    await sync(wanted);
    spaces.ip(netns, 'route', 'del', '192.168.2.7', 'table', '20000');
    spaces.ip(netns, '-6', 'rule', 'del', 'from', 'fd00::/48');
    spaces.ip(
      netns,
      'route',
      'replace',
      '192.168.1.0/24',
      'via',
      '10.1.0.99',
      'dev',
      'eth1',
      'table',
      '20000',
      'proto',
      '77',
      'metric',
      '100',
    );
    spaces.ip(
      netns,
      'route',
      'append',
      '192.168.1.0/24',
      'via',
      '10.1.0.98',
      'dev',
      'eth1',
      'table',
      '20000',
      'proto',
      '77',
      'metric',
      '201',
    );
    spaces.ip(
      netns,
      '-6',
      'route',
      'append',
      'fd00:0:0:2::/64',
      'via',
      'fe80::98',
      'dev',
      'eth2',
      'table',
      '20000',
      'proto',
      '77',
      'metric',
      '100',
    );
    spaces.ip(netns, 'link', 'set', 'eth2', 'down');
    spaces.ip(netns, 'link', 'set', 'eth2', 'up');
    spaces.ip(netns, 'addr', 'add', 'fd01::2/64', 'dev', 'eth2', 'nodad');
    await sync(wanted);
    expect(lines('-4', 'route', 'show', 'table', '20000')).toEqual([
      '192.168.1.0/24 via 10.1.0.11 dev eth1 proto 77 metric 100',
      '192.168.1.0/24 via 10.1.0.11 dev eth2 proto 77 metric 201',
      '192.168.2.7 via 10.1.0.12 dev eth1 proto 77 metric 100',
    ]);
    expect(lines('-6', 'route', 'show', 'table', '20000')).toHaveLength(3);
  });

  test('several next hops under one key become the wanted one', async () => {
    for (const extra of [
      ['append', '192.168.1.0/24', 'via', '10.1.0.98', 'dev', 'eth1', 'metric', '100'],
      ['prepend', '192.168.1.0/24', 'via', '10.1.0.97', 'dev', 'eth2', 'metric', '100'],
      [
        'replace',
        '192.168.2.7',
        'metric',
        '100',
        'nexthop',
        'via',
        '10.1.0.12',
        'dev',
        'eth1',
        'nexthop',
        'via',
        '10.1.0.13',
        'dev',
        'eth1',
      ],
      ['append', 'fd00:0:0:1::/64', 'via', 'fd01::98', 'dev', 'eth1', 'metric', '100'],
    ]) {
      await sync(wanted);
      spaces.ip(netns, 'route', ...extra.slice(0, 2), 'table', '20000', 'proto', '77', ...extra.slice(2));
      expect((await syncRoutes(kernel, [wanted], { netns })).problems).toEqual(new Map());
      await syncRoutes(kernel, [wanted], { netns });
      expect((await syncRoutes(kernel, [wanted], { netns })).commands).toBe(0);
    }
  });

  test("routes and rules of others stay, in our table and with our table's number; writing over them is refused", async () => {
    spaces.ip(
      netns,
      'route',
      'add',
      '192.168.1.0/24',
      'via',
      '10.1.0.50',
      'dev',
      'eth1',
      'table',
      '20000',
      'metric',
      '100',
    );
    spaces.ip(
      netns,
      '-6',
      'route',
      'add',
      'fd00:0:0:9::/64',
      'via',
      'fd01::50',
      'dev',
      'eth1',
      'table',
      '20000',
      'proto',
      '186',
    );
    spaces.ip(netns, 'rule', 'add', 'from', '172.16.0.0/12', 'lookup', '20000', 'priority', '2000');
    const before = [
      ...lines('-4', 'route', 'show', 'table', 'all', 'proto', '3'),
      ...lines('-6', 'route', 'show', 'table', '20000'),
    ];
    expect(await readForeignTables(kernel, netns)).toEqual(new Set([253, 254, 255, 20_000]));

    const { problems } = await syncRoutes(kernel, [wanted], { netns });
    expect([...problems.keys()]).toEqual(['net-a']);
    expect(problems.get('net-a')).toEqual([
      expect.stringMatching(/^"ip route add 192.168.1.0\/24 .* metric 100": .*File exists/),
    ]);
    expect(lines('-4', 'rule', 'show')).toContain('2000: from 192.168.0.0/16 lookup 20000 proto 77');

    await sync();
    expect([
      ...lines('-4', 'route', 'show', 'table', 'all', 'proto', '3'),
      ...lines('-6', 'route', 'show', 'table', '20000'),
    ]).toEqual(before);
    expect(lines('-4', 'rule', 'show')).toContain('2000: from 172.16.0.0/12 lookup 20000');
  });

  test('what the kernel refuses is told by network; the others get theirs', async () => {
    const bad = {
      ...setOf('net-b', 20_001, [
        route('10.9.1.0/24', '10.1.0.11', 'nosuch'),
        route('10.9.2.0/24', '172.31.0.1', 'eth1'),
      ]),
      subnets: [parsePrefix('10.9.0.0/16')],
    };
    const { problems } = await syncRoutes(kernel, [bad, wanted], { netns });
    expect([...problems.keys()]).toEqual(['net-b']);
    expect(problems.get('net-b')).toEqual([expect.stringContaining('nosuch'), expect.stringContaining('gateway')]);
    expect(await kernel.routes({ family: 4, table: 20_000, netns })).toHaveLength(3);
  });

  test('with the sets applied before, only the difference is looked at and run', async () => {
    await sync(wanted);
    const more = { ...wanted, routes: [...wanted.routes, route('192.168.3.0/24', '10.1.0.13', 'eth1')] };
    expect((await syncRoutes(kernel, [more], { netns, since: [wanted] })).commands).toBe(1);
    expect((await syncRoutes(kernel, [more], { netns })).commands).toBe(0);
  });

  test('a thousand hosts by two NICs', async () => {
    const many = Array.from({ length: 1000 }, (_, host) => {
      const dst = `192.168.${host >> 4}.${(host & 15) << 4}/28`;
      return [
        route(dst, `10.1.0.${10 + (host % 200)}`, 'eth1'),
        route(dst, `10.1.0.${10 + (host % 200)}`, 'eth2', 201),
      ];
    }).flat();
    expect(await sync(setOf('net-a', 20_000, many))).toBe(2002);
    await sync();
  });
});
