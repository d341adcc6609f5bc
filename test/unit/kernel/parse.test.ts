import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseLinks } from '../../../src/kernel/links.ts';
import { parseRoutes } from '../../../src/kernel/routes.ts';
import { parseRules } from '../../../src/kernel/rules.ts';
import type { Link, Route } from '../../../src/kernel/types.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { formatInterfaceAddress, formatPrefix } from '../../../src/net/prefix.ts';

/** Captured from iproute2 6.1 (columns that nobody reads removed). */
function fixture(name: string): string {
  return readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8');
}

function link(links: readonly Link[], name: string): Link {
  const found = links.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no link ${name}`);
  return found;
}

function show(route: Route): string {
  const via = route.via === undefined ? '' : ` via ${formatAddress(route.via)}`;
  const source = route.source === undefined ? '' : ` src ${formatAddress(route.source)}`;
  return `${route.type} ${formatPrefix(route.dst)}${via} dev ${route.dev ?? '-'} table ${route.table} proto ${route.protocol} metric ${route.metric} ${route.scope}${source}`;
}

describe('links', () => {
  const links = parseLinks(fixture('links'));

  test('flags, kinds and addresses', () => {
    const eth1 = link(links, 'eth1');
    expect(eth1).toMatchObject({ index: 2, mtu: 1500, up: true, carrier: true, kind: 'veth', lowerElsewhere: true });
    expect(eth1.addresses.map((a) => `${formatInterfaceAddress(a.address, a.prefix.length)} ${a.scope}`)).toEqual([
      '10.1.1.2/24 global',
      'fd00::2/64 global',
      expect.stringMatching(/^fe80::[\da-f:]+\/64 link$/),
    ]);
    expect(eth1.addresses[0]?.prefix.base).toBe(0x0a010100n);
  });

  test('a tentative address says so, once it is not it does not', () => {
    const flagged =
      '[{"ifindex":1,"ifname":"a","addr_info":[{"family":"inet6","local":"fd00::1","prefixlen":64,"scope":"global","temporary":true,"tentative":true},{"family":"inet","local":"10.0.0.1","prefixlen":8,"scope":"global"}]}]';
    expect(parseLinks(flagged)[0]?.addresses.map((a) => [a.tentative, a.transient])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  test('a child knows its lower link by index, a port its bridge; altnames are kept', () => {
    expect(link(links, 'mv1')).toMatchObject({
      kind: 'macvlan',
      mode: 'bridge',
      lowerIndex: 2,
      lowerElsewhere: false,
      altnames: ['foo-0'],
      up: false,
    });
    expect(link(links, 'p2').masterIndex).toBe(link(links, 'br0').index);
    expect(link(links, 'lo')).not.toHaveProperty('kind');
  });

  test('a lower link in another namespace keeps that index and says so', () => {
    const elsewhere = parseLinks(fixture('links-elsewhere'));
    expect(link(elsewhere, 'mv2')).toMatchObject({
      kind: 'macvlan',
      mode: 'private',
      lowerIndex: 2,
      lowerElsewhere: true,
    });
  });

  test('ipvlan mode, vlan', () => {
    const kinds = parseLinks(fixture('links-ipvlan'));
    expect(link(kinds, 'iv0')).toMatchObject({ kind: 'ipvlan', mode: 'l3', lowerIndex: link(kinds, 'd0').index });
    expect(link(kinds, 'd0.100')).toMatchObject({ kind: 'vlan', lowerIndex: link(kinds, 'd0').index });
  });

  test('NO-CARRIER is no carrier', () => {
    expect(parseLinks('[{"ifindex":2,"ifname":"a","flags":["NO-CARRIER","UP","LOWER_UP"]}]')[0]?.carrier).toBe(false);
  });

  test.each(['', '[', '[]', '[{}]'])('%j is no link', (output) => {
    expect(parseLinks(output)).toEqual([]);
  });

  test('what is no JSON array is refused', () => {
    expect(() => parseLinks('{"a":1}')).toThrow('no JSON array');
  });
});

describe('routes', () => {
  test('IPv4, all tables: defaults, hosts, blackholes, IPv6 next hops, multipath', () => {
    const routes = parseRoutes(fixture('routes4'), { family: 4, table: 'all' }).map(show);
    expect(routes).toEqual(
      expect.arrayContaining([
        'unicast 0.0.0.0/0 via 10.1.1.1 dev eth1 table 254 proto 3 metric 0 global',
        'unicast 10.1.1.0/24 dev eth1 table 254 proto 2 metric 0 link src 10.1.1.2',
        'unicast 10.6.0.5/32 via 10.1.1.9 dev eth1 table 150 proto 186 metric 0 global',
        'unicast 10.7.0.0/16 via fe80::1 dev eth1 table 150 proto 186 metric 7 global',
        'blackhole 10.8.0.0/16 dev - table 150 proto 186 metric 7 global',
        'unicast 10.9.0.0/16 via 10.1.1.3 dev eth1 table 254 proto 3 metric 0 global',
        'unicast 10.9.0.0/16 via 10.1.1.4 dev eth1 table 254 proto 3 metric 0 global',
        'local 10.1.1.2/32 dev eth1 table 255 proto 2 metric 0 host src 10.1.1.2',
      ]),
    );
  });

  test('IPv6', () => {
    const routes = parseRoutes(fixture('routes6'), { family: 6, table: 'all' }).map(show);
    expect(routes).toContain('unicast ::/0 via fd00::1 dev eth1 table 254 proto 3 metric 5 global');
    expect(routes).toContain('unicast fd11::/64 via fd00::4 dev eth1 table 254 proto 3 metric 1024 global');
    expect(routes).toContain('multicast ff00::/8 dev eth2 table 255 proto 2 metric 256 global');
  });

  test('columns that ip leaves out, as they were asked for, are filled in', () => {
    const routes = parseRoutes(fixture('routes4-filtered'), { family: 4, table: 150, protocol: 186 });
    expect(routes).toHaveLength(4);
    for (const route of routes) expect(route).toMatchObject({ table: 150, protocol: 186 });
  });
});

describe('rules', () => {
  const rules = parseRules(fixture('rules4'), 4);

  test('ours is plain', () => {
    const ours = rules.find((rule) => rule.protocol === 186);
    expect(ours).toMatchObject({ priority: 1000, table: 150, special: false });
    expect(ours?.from === undefined ? '' : formatPrefix(ours.from)).toBe('192.168.0.0/16');
    expect(rules[0]).toMatchObject({ priority: 0, table: 255, special: false });
    expect(rules[0]).not.toHaveProperty('from');
  });

  test('rules with selectors that are not modelled are special', () => {
    expect(rules.find((rule) => rule.priority === 999)).toMatchObject({ special: true, table: 0 });
    const to = rules.find((rule) => rule.priority === 1001);
    expect(to?.special).toBe(true);
    expect(to?.to === undefined ? '' : formatPrefix(to.to)).toBe('1.2.3.4/32');
  });

  test('IPv6', () => {
    const ours = parseRules(fixture('rules6'), 6).find((rule) => rule.protocol === 186);
    expect(ours?.from === undefined ? '' : formatPrefix(ours.from)).toBe('fd00::/48');
  });
});
