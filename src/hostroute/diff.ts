import type { IpCommand, Route, Rule } from '../kernel/types.ts';
import { type Address, formatAddress, sameAddress } from '../net/address.ts';
import { formatPrefix, type Prefix } from '../net/prefix.ts';
import { routeProtocol, rulePriority } from './constants.ts';
import type { HostRoute, RouteSet } from './types.ts';

/** What the kernel has: routes of all tables and all rules; those that are not ours are left alone. */
export interface Observed {
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
}

/** One command with the network that it is for; none for what belongs to no network any more. */
export interface Step {
  readonly command: IpCommand;
  readonly network?: string;
  /** Answers of the kernel that mean that there is nothing to do. */
  readonly harmless?: RegExp;
}

/** The kernel's words for a route or rule that is not there, IPv4 and IPv6. */
const gone = /No such (process|file or directory)/;
const exists = /File exists/;

/**
 * Commands that turn what is observed into what is desired, in an order in which no destination that has a route before and
 * after is ever without: new and changed routes, new rules, then old rules, then old routes. A changed route is replaced in
 * place; a new one is added, never written over another's of the same destination and metric (that is an error to be shown).
 */
export function diff(observed: Observed, sets: readonly RouteSet[]): Step[] {
  const routes = routeSteps(observed.routes.filter(isOurs), sets);
  const rules = ruleSteps(observed.rules.filter(isOurs), sets);
  return [...routes.first, ...rules.first, ...rules.last, ...routes.last];
}

/** What the kernel has when it has exactly these sets. */
export function asObserved(sets: readonly RouteSet[]): Observed {
  return {
    routes: sets.flatMap(({ table, routes }) =>
      routes.map((route) => ({ ...route, table, protocol: routeProtocol, scope: 'global', type: 'unicast' }) as const),
    ),
    rules: sets.flatMap(({ table, subnets }) => subnets.map((subnet) => ruleOf(subnet, table))),
  };
}

function isOurs(entry: Route | Rule): boolean {
  return entry.protocol === routeProtocol && !('special' in entry && entry.special);
}

/** Steps that add, and those that take away. */
interface Halves {
  readonly first: Step[];
  readonly last: Step[];
}

function routeSteps(observed: readonly Route[], sets: readonly RouteSet[]): Halves {
  // The kernel tells routes of a table apart by destination and metric.
  const held = Map.groupBy(observed, (route) => routeKey(route.table, route));
  const first: Step[] = [];
  const last: Step[] = [];
  const wanted = new Set<string>();
  for (const { network, table, routes } of sets) {
    for (const route of routes) {
      const key = routeKey(table, route);
      if (wanted.has(key)) continue;
      wanted.add(key);
      const there = held.get(key) ?? [];
      const others = there.filter((one) => !sameRoute(one, route));
      const words = [...wordsOf(route, table), 'metric', String(route.metric)];
      if (there.length === 0) first.push({ command: ['route', 'add', ...words], network });
      else if (others.length > 0) {
        first.push({ command: ['route', 'replace', ...words], network, harmless: exists });
        // Several next hops under one key (somebody appended one): what replace leaves goes afterwards.
        if (there.length > 1) last.push(...others.map((one) => deletion(one, network)));
      }
    }
  }
  for (const [key, routes] of held) {
    if (!wanted.has(key)) last.push(...routes.map((route) => deletion(route)));
  }
  return { first, last };
}

function ruleSteps(observed: readonly Rule[], sets: readonly RouteSet[]): Halves {
  const held = new Set(observed.map(ruleKey));
  const wanted = new Map<string, { rule: Rule; network: string }>();
  for (const { network, table, subnets } of sets) {
    for (const subnet of subnets) {
      const rule = ruleOf(subnet, table);
      wanted.set(ruleKey(rule), { rule, network });
    }
  }
  const missing = [...wanted].filter(([key]) => !held.has(key));
  const first = missing.map(([, { rule, network }]) => ({ command: ruleCommand('add', rule), network }));
  const stale = observed.filter((rule) => !wanted.has(ruleKey(rule)));
  const last = stale.map((rule) => ({ command: ruleCommand('del', rule), harmless: gone }));
  // A process of `ip` speaks one family's rules: those of one family stand together.
  const byFamily = (a: Step, b: Step): number => Number(a.command[0] === '-6') - Number(b.command[0] === '-6');
  return { first: first.sort(byFamily), last: last.sort((a, b) => byFamily(b, a)) };
}

function ruleOf(from: Prefix, table: number): Rule {
  return { family: from.family, priority: rulePriority, from, table, protocol: routeProtocol, special: false };
}

function sameRoute(observed: Route, desired: HostRoute): boolean {
  return (
    observed.type === 'unicast' &&
    observed.dev === desired.dev &&
    observed.via !== undefined &&
    sameAddress(observed.via, desired.via) &&
    observed.source === undefined
  );
}

type RouteWords = Pick<Route, 'dst'> & { readonly via?: Address; readonly dev?: string; readonly metric: number };

function deletion(route: Route, network?: string): Step {
  const metric = route.metric === 0 ? [] : ['metric', String(route.metric)];
  const type = route.type === 'unicast' ? [] : [route.type];
  return {
    command: ['route', 'del', ...type, ...wordsOf(route, route.table), ...metric],
    ...(network === undefined ? {} : { network }),
    harmless: gone,
  };
}

function wordsOf({ dst, via, dev }: RouteWords, table: number): string[] {
  const inet6 = via !== undefined && via.family !== dst.family ? ['inet6'] : [];
  return [
    formatPrefix(dst),
    ...(via === undefined ? [] : ['via', ...inet6, formatAddress(via)]),
    ...(dev === undefined ? [] : ['dev', dev]),
    'table',
    String(table),
    'proto',
    String(routeProtocol),
  ];
}

function ruleCommand(verb: 'add' | 'del', rule: Rule): IpCommand {
  const selector = (word: string, prefix: Prefix | undefined): string[] =>
    prefix === undefined ? [] : [word, formatPrefix(prefix)];
  return [
    ...(rule.family === 6 ? ['-6'] : []),
    'rule',
    verb,
    ...selector('from', rule.from),
    ...selector('to', rule.to),
    'lookup',
    String(rule.table),
    'priority',
    String(rule.priority),
    'protocol',
    String(rule.protocol),
  ];
}

function prefixKey(prefix: Prefix | undefined): string {
  return prefix === undefined ? '-' : `${prefix.family}/${prefix.base}/${prefix.length}`;
}

function routeKey(table: number, { dst, metric }: Pick<HostRoute, 'dst' | 'metric'>): string {
  return `${table}/${metric}/${prefixKey(dst)}`;
}

function ruleKey({ family, priority, from, to, table }: Rule): string {
  return `${family}/${priority}/${table}/${prefixKey(from)}/${prefixKey(to)}`;
}
