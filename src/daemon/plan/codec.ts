import type { Block, HostPlan } from '../../api/host.ts';
import type { PodRoute } from '../../api/network.ts';
import { trusted } from '../../kube/calls/json.ts';
import { formatAddress, parseAddress } from '../../net/address.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../../net/prefix.ts';

type Texts<T> = { [K in keyof T]: T[K] extends readonly Prefix[] ? string[] : T[K] };
type StoredBlock = Texts<Block>;
interface StoredRoute {
  dst: string;
  gw?: string;
}
type StoredPlan = Omit<Texts<HostPlan>, 'blocks' | 'routes' | keyof Delegated> & {
  blocks: StoredBlock[];
  routes?: StoredRoute[];
} & (Delegated | Before);
type Delegated = Pick<HostPlan, 'pluginType' | 'binding' | 'ipam'>;
/** As plans were written when ipvlan and macvlan on addresses of the pool were all there was. */
interface Before {
  linkKind: string;
}
interface StoredPlans {
  format: 1;
  plans: StoredPlan[];
}

const texts = (prefixes: readonly Prefix[]): string[] => prefixes.map(formatPrefix);
const prefixes = (list: readonly string[]): Prefix[] => list.map(parsePrefix);

const storedRoute = ({ dst, gw }: PodRoute): StoredRoute => ({
  dst: formatPrefix(dst),
  ...(gw && { gw: formatAddress(gw) }),
});
const routeOf = ({ dst, gw }: StoredRoute): PodRoute => ({
  dst: parsePrefix(dst),
  ...(gw !== undefined && { gw: parseAddress(gw) }),
});

/** The plans as text for the store, so that a host that reboots during an API outage still serves. */
export function encodePlans(plans: Iterable<HostPlan>): string {
  const stored: StoredPlans = {
    format: 1,
    plans: [...plans].map(({ routes, ...plan }) => ({
      ...plan,
      ...(routes && { routes: routes.map(storedRoute) }),
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
    stored.plans.map((plan) => {
      const { routes, ...settings } = delegated(plan);
      const whole = {
        ...settings,
        ...(routes && { routes: routes.map(routeOf) }),
        subnets: prefixes(plan.subnets),
        masterNets: prefixes(plan.masterNets),
        blocks: plan.blocks.map((block) => ({
          ...block,
          netAddresses: prefixes(block.netAddresses),
          vlanCIDRs: prefixes(block.vlanCIDRs),
          podCIDRs: prefixes(block.podCIDRs),
          excludes: prefixes(block.excludes),
        })),
      };
      return [plan.network, whole] as const;
    }),
  );
}

function delegated(plan: StoredPlan) {
  if (!('linkKind' in plan)) return plan;
  const { linkKind, ...rest } = plan;
  return { ...rest, pluginType: linkKind, binding: 'master' as const, ipam: { kind: 'pool' as const } };
}
