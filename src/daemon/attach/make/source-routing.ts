import { CniError, code } from '../../../api/cni-error.ts';
import type { HostPlan } from '../../../api/host.ts';
import type { ChosenNic } from '../../../delegates/plan.ts';
import { staticAddresses } from '../../../delegates/static-ipam.ts';
import type { DelegateCall, SourceRouting } from '../../../delegates/types.ts';
import { refusals } from '../../../kernel/batch.ts';
import type { IpCommand, Kernel, Route } from '../../../kernel/types.ts';
import { bitsOf, parseAddress, sameAddress } from '../../../net/address.ts';
import {
  formatPrefix,
  type InterfaceAddress,
  parseInterfaceAddress,
  prefixOf,
  samePrefix,
} from '../../../net/prefix.ts';
import type { WantedRule } from '../look/present-rules.ts';
import { planPodRoutes, type WantedRoute } from './pod-routes.ts';

/** Of our rules in a pod: before those of the kernel and of `sbr` (which takes the highest free one below them). */
const priority = '10000';
/** Tables from here on, where neither the kernel nor `sbr` (100 and on) has any. */
const firstTable = 0x1000_0000;

/**
 * The table of an interface with the routes of its own NIC alone: its networks, and what the network's routes lead over this NIC, a
 * default route too. The number comes from the interface's name, which no other interface of the pod has.
 */
export function sourceRouting(
  plan: HostPlan,
  wanted: readonly WantedRoute[],
  { nic, ifname, addresses }: Pick<ChosenNic, 'nic' | 'ifname' | 'addresses'>,
): SourceRouting {
  const connected = addresses
    .filter(({ address, length }) => length < bitsOf(address.family))
    .map(({ address, length }) => ({ dst: formatPrefix(prefixOf(address, length)) }));
  const routes = planPodRoutes(plan, wanted, [{ nic, ifname }]).routes.map(({ dst, gw }) => ({
    dst,
    ...(gw === undefined ? {} : { gw }),
  }));
  return { table: tableOf(ifname), routes: [...connected, ...routes] };
}

/** The pod's default routes stay others': with source routing, those of the network are in its NICs' tables. */
export function mainRoutes(plan: HostPlan, wanted: readonly WantedRoute[]): readonly WantedRoute[] {
  return plan.sourceRouting === true ? wanted.filter(({ dst }) => dst.length > 0) : wanted;
}

/**
 * Makes the tables, the rules by which what comes from an interface's address is routed by its table, and has no interface answer for
 * another's address.
 * @throws CniError naming what the kernel refused
 */
export async function makeSourceRouting(kernel: Kernel, netns: string, calls: readonly DelegateCall[]): Promise<void> {
  const commands = calls.flatMap((call) => [...routeCommands(call), ...ruleCommands(call)]);
  if (commands.length === 0) return;
  const ordered = [...commands.filter(([first]) => first !== '-6'), ...commands.filter(([first]) => first === '-6')];
  const sysctls = Object.assign({}, ...calls.filter(({ source }) => source !== undefined).map(arp));
  const answers = await kernel.batch(ordered, netns, { sysctls });
  const refused = refusals(ordered, answers);
  if (refused.length === 0) return;
  throw new CniError(code.internal, `source routing cannot be made in ${netns}: ${refused.join('; ')}`);
}

/** For CHECK. */
export function sourceRules(calls: readonly DelegateCall[]): readonly WantedRule[] {
  return calls.flatMap((call) =>
    call.source === undefined
      ? []
      : addressesOf(call).map((own) => ({ from: hostPrefix(own), table: call.source?.table ?? 0 })),
  );
}

/** One sentence for each route that is not in the table where it was made. */
export function missingSourceRoutes(calls: readonly DelegateCall[], routes: readonly Route[]): readonly string[] {
  return calls.flatMap(({ ifname, source }) =>
    (source?.routes ?? [])
      .filter(({ dst, gw }) => {
        const { prefix } = parseInterfaceAddress(dst);
        return !routes.some(
          (route) =>
            route.table === source?.table &&
            route.dev === ifname &&
            samePrefix(route.dst, prefix) &&
            (gw === undefined || (route.via !== undefined && sameAddress(route.via, parseAddress(gw)))),
        );
      })
      .map(({ dst }) => `route to ${dst} on interface ${ifname} in table ${source?.table} is missing`),
  );
}

/** FNV-1a over the name, in 28 bits. */
function tableOf(ifname: string): number {
  let value = 0x811c_9dc5;
  for (const byte of Buffer.from(ifname)) value = Math.imul(value ^ byte, 0x0100_0193);
  return firstTable + ((value >>> 0) % 0x1000_0000);
}

function routeCommands({ ifname, source }: DelegateCall): IpCommand[] {
  if (source === undefined) return [];
  return source.routes.map(({ dst, gw }) => {
    const hop = gw === undefined ? ['dev', ifname, 'scope', 'link'] : ['via', gw, 'dev', ifname];
    return [...(dst.includes(':') ? ['-6'] : []), 'route', 'add', dst, ...hop, 'table', String(source.table)];
  });
}

function ruleCommands(call: DelegateCall): IpCommand[] {
  if (call.source === undefined) return [];
  const to = ['lookup', String(call.source.table), 'priority', priority];
  return addressesOf(call).map((own) => {
    const from = formatPrefix(hostPrefix(own));
    return [...(own.address.family === 6 ? ['-6'] : []), 'rule', 'add', 'from', from, ...to];
  });
}

/** Only where a file can be named after the interface. */
function arp({ ifname }: DelegateCall): Readonly<Record<string, string>> {
  if (!/^[\w.-]+$/.test(ifname)) return {};
  return { [`net/ipv4/conf/${ifname}/arp_ignore`]: '1', [`net/ipv4/conf/${ifname}/arp_announce`]: '2' };
}

function addressesOf(call: DelegateCall): readonly InterfaceAddress[] {
  return staticAddresses(call).map(parseInterfaceAddress);
}

function hostPrefix({ address }: InterfaceAddress) {
  return prefixOf(address, bitsOf(address.family));
}
