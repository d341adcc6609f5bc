import type { Block, HostPlan } from '../../api/host.ts';
import { trusted } from '../../kube/json.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts';

type Texts<T> = { [K in keyof T]: T[K] extends readonly Prefix[] ? string[] : T[K] };
type StoredBlock = Texts<Block>;
type StoredPlan = Omit<Texts<HostPlan>, 'blocks'> & { blocks: StoredBlock[] };
interface StoredPlans {
  format: 1;
  plans: StoredPlan[];
}

const texts = (prefixes: readonly Prefix[]): string[] => prefixes.map(formatPrefix);
const prefixes = (list: readonly string[]): Prefix[] => list.map(parsePrefix);

/** The plans as text for the store, so that a host that reboots during an API outage still serves. */
export function encodePlans(plans: Iterable<HostPlan>): string {
  const stored: StoredPlans = {
    format: 1,
    plans: [...plans].map((plan) => ({
      ...plan,
      subnets: texts(plan.subnets),
      masterNets: texts(plan.masterNets),
      blocks: plan.blocks.map((block) => ({
        ...block,
        netAddresses: texts(block.netAddresses),
        vlanCIDRs: texts(block.vlanCIDRs),
        podCIDRs: texts(block.podCIDRs),
        excludes: texts(block.excludes),
      })),
    })),
  };
  return JSON.stringify(stored);
}

/** Reads what encodePlans wrote. @throws Error when the text is of another format */
export function decodePlans(text: string): Map<string, HostPlan> {
  const stored = trusted<StoredPlans>(JSON.parse(text));
  if (stored.format !== 1) throw new Error(`cached plan has format ${String(stored.format)}, this program reads 1`);
  return new Map(
    stored.plans.map((plan) => [
      plan.network,
      {
        ...plan,
        subnets: prefixes(plan.subnets),
        masterNets: prefixes(plan.masterNets),
        blocks: plan.blocks.map((block) => ({
          ...block,
          netAddresses: prefixes(block.netAddresses),
          vlanCIDRs: prefixes(block.vlanCIDRs),
          podCIDRs: prefixes(block.podCIDRs),
          excludes: prefixes(block.excludes),
        })),
      },
    ]),
  );
}
