import type { CniResult } from '../../../cni/types.ts';
import type { DelegateCall } from '../../../delegates/types.ts';
import type { Rule } from '../../../kernel/types.ts';
import { bitsOf } from '../../../net/address.ts';
import { formatPrefix, type Prefix, parseInterfaceAddress, prefixOf, samePrefix } from '../../../net/prefix.ts';

/** A rule that an attachment needs: what comes from this address finds its route in a table of its own. */
export interface WantedRule {
  readonly from: Prefix;
  /** Left out: whichever the plugin chose. */
  readonly table?: number;
}

/**
 * Rules that `sbr` made for a record's addresses: its own CHECK looks at nothing (containernetworking/plugins up to v1.9.1).
 * @param results of ADD, by position of the calls
 */
export function chainedRules(calls: readonly DelegateCall[], results: readonly CniResult[]): readonly WantedRule[] {
  return calls.flatMap(({ chain = [] }, index) =>
    chain.some(({ plugin }) => plugin === 'sbr') ? (results[index]?.ips ?? []).map(ruleOf) : [],
  );
}

function ruleOf({ address: text }: CniResult['ips'][number]): WantedRule {
  const { address } = parseInterfaceAddress(text);
  return { from: prefixOf(address, bitsOf(address.family)) };
}

/** One sentence for each rule that is not there; others' rules are fine. */
export function missingRules(wanted: readonly WantedRule[], rules: readonly Rule[]): readonly string[] {
  return wanted
    .filter(({ from, table }) => !rules.some((rule) => serves(rule, from, table)))
    .map(
      ({ from, table }) =>
        `rule from ${formatPrefix(from)}${table === undefined ? '' : ` to table ${table}`} is missing`,
    );
}

function serves(rule: Rule, from: Prefix, table: number | undefined): boolean {
  if (rule.special || rule.from === undefined || rule.to !== undefined || !samePrefix(rule.from, from)) return false;
  return table === undefined ? rule.table !== 0 : rule.table === table;
}
