import { bitsOf, type Family, parseAddress } from '../net/address.ts';
import { type Prefix, prefixOf } from '../net/prefix.ts';
import { integer, type Json, parseObjects, text } from './json.ts';
import type { Rule } from './types.ts';

/** Keys of a rule that says no more than `from … to … lookup …`. */
const plainKeys: ReadonlySet<string> = new Set(['priority', 'src', 'srclen', 'dst', 'dstlen', 'table', 'protocol']);

/** Arguments of `ip` whose output parseRules reads. */
export function ruleArguments(family: Family): string[] {
  return ['-json', '-N', '-details', `-${family}`, 'rule', 'show'];
}

/** Reads `ip -json -N -details rule show`. */
export function parseRules(output: string, family: Family): Rule[] {
  return parseObjects(output).map((object) => {
    const from = selector(object, 'src', family);
    const to = selector(object, 'dst', family);
    return {
      family,
      priority: integer(object, 'priority') ?? 0,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      table: integer(object, 'table') ?? 0,
      protocol: integer(object, 'protocol') ?? 0,
      special: Object.keys(object).some((key) => !plainKeys.has(key)),
    };
  });
}

function selector(object: Json, key: 'src' | 'dst', family: Family): Prefix | undefined {
  const value = text(object, key);
  if (value === undefined || value === 'all') return undefined;
  return prefixOf(parseAddress(value), integer(object, `${key}len`) ?? bitsOf(family));
}
