import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeProtocol, rulePriority } from '../../../src/hostroute/constants.ts';
import { asObserved, diff, type Observed } from '../../../src/hostroute/diff.ts';
import type { HostRoute, RouteSet } from '../../../src/hostroute/types.ts';
import type { IpCommand, Route, Rule } from '../../../src/kernel/types.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { formatPrefix, parsePrefix } from '../../../src/net/prefix.ts';

function route(dst: string, via: string, dev: string, metric: number): HostRoute {
  const prefix = parsePrefix(dst);
  return { family: prefix.family, dst: prefix, via: parseAddress(via), dev, metric };
}

function commands(observed: Observed, sets: readonly RouteSet[]): string[] {
  return diff(observed, sets).map(({ command }) => command.join(' '));
}

const set: RouteSet = {
  network: 'net-a',
  table: 20_000,
  subnets: [parsePrefix('192.168.0.0/16'), parsePrefix('fd00::/48')],
  routes: [route('192.168.1.0/24', '10.1.1.2', 'eth1', 100), route('fd00:0:0:1::/64', 'fe80::2', 'eth1', 100)],
};
const nothing: Observed = { routes: [], rules: [] };
const tail = 'lookup 20000 priority 2000 protocol 77';

describe('diff', () => {
  test('from nothing: routes before rules', () => {
    expect(commands(nothing, [set])).toEqual([
      'route add 192.168.1.0/24 via 10.1.1.2 dev eth1 table 20000 proto 77 metric 100',
      'route add fd00:0:0:1::/64 via fe80::2 dev eth1 table 20000 proto 77 metric 100',
      `rule add from 192.168.0.0/16 ${tail}`,
      `-6 rule add from fd00::/48 ${tail}`,
    ]);
  });

  test('to nothing: rules before routes', () => {
    expect(commands(asObserved([set]), [])).toEqual([
      `-6 rule del from fd00::/48 ${tail}`,
      `rule del from 192.168.0.0/16 ${tail}`,
      'route del 192.168.1.0/24 via 10.1.1.2 dev eth1 table 20000 proto 77 metric 100',
      'route del fd00:0:0:1::/64 via fe80::2 dev eth1 table 20000 proto 77 metric 100',
    ]);
  });

  test('a change is one replace, an equal set nothing', () => {
    expect(commands(asObserved([set]), [set])).toEqual([]);
    const changed = { ...set, routes: [route('192.168.1.0/24', '10.1.1.3', 'eth2', 100), ...set.routes.slice(1)] };
    expect(commands(asObserved([set]), [changed])).toEqual([
      'route replace 192.168.1.0/24 via 10.1.1.3 dev eth2 table 20000 proto 77 metric 100',
    ]);
  });

  test('what is not ours is not touched, whatever table it is in', () => {
    const { routes, rules } = asObserved([set]);
    const foreign: Observed = {
      routes: routes.map((one) => ({ ...one, protocol: 4 })),
      rules: rules.map((one) => ({ ...one, protocol: 0 })),
    };
    expect(commands(foreign, [])).toEqual([]);
    const special: Rule[] = rules.map((one) => ({ ...one, special: true }));
    expect(commands({ routes: [], rules: special }, [])).toEqual([]);
  });

  test('odd routes of ours: other types, other sources, next hops of the other family', () => {
    const [first] = asObserved([set]).routes;
    if (first === undefined) throw new Error('no route');
    const { via: _via, dev: _dev, ...bare } = first;
    const blackhole: Route = { ...bare, metric: 0, type: 'blackhole' };
    const mapped: Route = { ...first, via: parseAddress('fe80::9'), metric: 5 };
    expect(commands({ routes: [blackhole, mapped], rules: [] }, [])).toEqual([
      'route del blackhole 192.168.1.0/24 table 20000 proto 77',
      'route del 192.168.1.0/24 via inet6 fe80::9 dev eth1 table 20000 proto 77 metric 5',
    ]);
    const sourced: Route = { ...first, source: parseAddress('10.1.1.1') };
    const only = { ...set, subnets: [], routes: set.routes.slice(0, 1) };
    expect(commands({ routes: [sourced], rules: [] }, [only])).toEqual([
      'route replace 192.168.1.0/24 via 10.1.1.2 dev eth1 table 20000 proto 77 metric 100',
    ]);
  });
});

/** What the kernel does with our commands, as far as its own documentation and tests in namespaces show. */
class Model {
  readonly routes = new Map<string, Map<string, string>>();
  rules: string[] = [];

  constructor({ routes, rules }: Observed) {
    for (const { table, dst, metric, via, dev } of routes) {
      this.table(table).set(`${formatPrefix(dst)} ${metric}`, `${via?.family}/${via?.value} ${dev}`);
    }
    this.rules = rules.map(({ from, table }) => `${from && formatPrefix(from)} ${table}`);
  }

  private table(number: number | string): Map<string, string> {
    const table = this.routes.get(String(number)) ?? new Map<string, string>();
    this.routes.set(String(number), table);
    return table;
  }

  run(command: IpCommand): void {
    const words = command[0] === '-6' ? command.slice(1) : command;
    const after = (word: string): string => words[words.indexOf(word) + 1] ?? '';
    const [object, verb, dst] = words;
    if (after(object === 'rule' ? 'protocol' : 'proto') !== String(routeProtocol)) throw new Error('not ours');
    if (object === 'rule') {
      if (after('priority') !== String(rulePriority)) throw new Error('wrong priority');
      const rule = `${after('from')} ${after('lookup')}`;
      if (this.rules.includes(rule) === (verb === 'add')) throw new Error(`cannot ${verb} ${rule}`);
      this.rules = verb === 'add' ? [...this.rules, rule] : this.rules.filter((other) => other !== rule);
      return;
    }
    const table = this.table(after('table'));
    const key = `${dst} ${after('metric')}`;
    if (table.has(key) !== (verb !== 'add')) throw new Error(`cannot ${verb} ${key}`);
    const via = parseAddress(after('via'));
    if (verb === 'del') table.delete(key);
    else table.set(key, `${via.family}/${via.value} ${after('dev')}`);
  }

  /** Destinations that the source subnets reach. */
  reached(): Set<string> {
    return new Set(
      this.rules.flatMap((rule) => {
        const [from, table = ''] = rule.split(' ');
        return [...(this.routes.get(table)?.keys() ?? [])].map((key) => `${from} to ${key.split(' ')[0]}`);
      }),
    );
  }

  state(): unknown {
    const tables = [...this.routes]
      .filter(([, table]) => table.size > 0)
      .map(([number, table]) => [number, Object.fromEntries(table)]);
    return { tables: tables.sort(([a], [b]) => Number(a) - Number(b)), rules: this.rules.toSorted() };
  }
}

describe('diff, applied to a model of the kernel', () => {
  const routeOf = (network: number) =>
    fc
      .record({
        host: fc.integer({ min: 0, max: 3 }),
        six: fc.boolean(),
        hop: fc.integer({ min: 1, max: 3 }),
        dev: fc.constantFrom('eth1', 'eth2'),
        metric: fc.constantFrom(100, 200, 201),
      })
      .map(({ host, six, hop, dev, metric }) =>
        six
          ? route(`fd00:${network}:0:${host}::/64`, `fe80::${hop}`, dev, metric)
          : route(`10.${network}.${host}.0/24`, `172.16.0.${hop}`, dev, metric),
      );
  const unique = (routes: readonly HostRoute[]): HostRoute[] => [
    ...new Map(routes.map((one) => [`${formatPrefix(one.dst)} ${one.metric}`, one])).values(),
  ];
  const sets = fc
    .record({
      tables: fc.shuffledSubarray([20_000, 20_001, 20_002, 20_003], { minLength: 3, maxLength: 3 }),
      networks: fc.subarray([0, 1, 2]),
      routes: fc.tuple(...[0, 1, 2].map((network) => fc.array(routeOf(network), { maxLength: 8 }))),
    })
    .map(({ tables, networks, routes }): RouteSet[] =>
      networks.map((network) => ({
        network: `net-${network}`,
        table: tables[network] ?? 0,
        subnets: [parsePrefix(`10.${network}.0.0/16`), parsePrefix(`fd00:${network}::/48`)],
        routes: unique(routes[network] ?? []),
      })),
    );

  test('it ends in the desired state, each command is possible, and nothing is lost on the way', () => {
    fc.assert(
      fc.property(sets, sets, fc.array(fc.nat(), { maxLength: 4 }), (before, after, lost) => {
        const whole = asObserved(before);
        const gone = new Set(lost);
        const observed = {
          routes: whole.routes.filter((_, index) => !gone.has(index)),
          rules: whole.rules.filter((_, index) => !gone.has(index)),
        };
        const desired = new Model(asObserved(after));
        const model = new Model(observed);
        const keep = model.reached().intersection(desired.reached());
        for (const { command } of diff(observed, after)) {
          model.run(command);
          expect(keep.difference(model.reached())).toEqual(new Set());
        }
        expect(model.state()).toEqual(desired.state());
        expect(diff(asObserved(after), after)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});
