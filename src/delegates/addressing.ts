import type { CniResult } from '../cni/types.ts';
import { parseInterfaceAddress } from '../net/prefix.ts';
import { hasStaticIpv6, isPlainStatic, staticAddresses } from './static-ipam.ts';
import type { DelegateCall } from './types.ts';

/** A line for `ip -batch`; src/kernel's IpCommand is one. */
export type IpLine = readonly string[];

/**
 * Plugins that leave the same without IPAM as with `static`, but for the addresses, and get these from us, by one batch for all NICs. A
 * record's calls name `static` all the same: this is how a call is made, whoever wrote the record. Not among them, though some would
 * do: ipvlan and dummy (refuse to do without; ipvlan takes addresses in a prevResult, but 1.1.1 cannot read one of before 1.0.0), bridge (its
 * CHECK asks an IPAM plugin in any case, and a gateway needs one), tap (no NIC behind it that peers would have to
 * hear of), sriov-cni (announces its addresses itself, by other means than the kernel's, and older ones tell a MAC only beside addresses).
 */
const bare: ReadonlySet<string> = new Set(['macvlan', 'host-device']);

/** Else the plugin itself has to ask `static`, or another IPAM plugin. What is chained may need the addresses at once (sbr). */
function isMadeBare(call: DelegateCall): boolean {
  const { plugin, chain, ifname } = call;
  // Only where a file (of a sysctl) and a word of a batch can be named after the interface; that of a network's call is empty.
  return bare.has(plugin) && chain === undefined && /^[\w.-]*$/.test(ifname) && isPlainStatic(call);
}

/** The call as its plugin gets it: without IPAM where it can do without. */
export function withoutIpam(call: DelegateCall): DelegateCall {
  if (!isMadeBare(call)) return call;
  const { ipam: _, ...config } = call.config;
  return { ...call, config };
}

/** What ADD of a call answered, with the addresses that its link gets from us: the same as with `static`. */
export function withAddresses(call: DelegateCall, result: CniResult): CniResult {
  if (!isMadeBare(call)) return result;
  const index = Math.max(
    0,
    result.interfaces.findIndex(({ name }) => name === call.ifname),
  );
  const told = new Set(result.ips.map(({ address }) => address));
  const own = staticAddresses(call).filter((address) => !told.has(address));
  return { ...result, ips: [...result.ips, ...own.map((address) => ({ address, interface: index }))] };
}

/** What is to be done in the pod once the links of these calls are there and up. */
export interface Addressing {
  /** Before the lines. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** With the call that each line is for. */
  readonly lines: readonly { readonly call: DelegateCall; readonly line: IpLine }[];
  /** After them; that a driver refuses one is no failure. */
  readonly announcements: readonly IpLine[];
}

/**
 * Addresses of the calls that were made without IPAM. Their links are up, so that the kernel does not announce IPv4 addresses by itself: it does
 * when it is told the MAC that a link has anyway, which changes nothing.
 * @param results of ADD, by position
 */
export function planAddresses(calls: readonly DelegateCall[], results: readonly CniResult[]): Addressing {
  const due = calls.map((call, index) => ({ call, result: results[index] })).filter(({ call }) => isMadeBare(call));
  return {
    sysctls: Object.assign({}, ...due.map(({ call }) => linkSettings(call, call.ifname))),
    lines: due.flatMap(({ call }) => addressLines(call).map((line) => ({ call, line }))),
    announcements: due.flatMap(({ call: { ifname }, result }) => {
      const mac = result?.interfaces.find(({ name }) => name === ifname)?.mac;
      return mac === undefined ? [] : [['link', 'set', 'dev', ifname, 'address', mac]];
    }),
  };
}

/**
 * Puts a call's addresses onto its link, as the plugins do. `nodad`: where the link is up, the kernel clears `tentative` a moment later
 * otherwise, though it looks for no duplicates.
 */
export function addressLines(call: DelegateCall): IpLine[] {
  return staticAddresses(call).map((text) => {
    const { address, prefix } = parseInterfaceAddress(text);
    const broadcast = prefix.length < 31 ? ['brd', '+'] : [];
    return ['addr', 'add', text, 'dev', call.ifname, ...(address.family === 4 ? broadcast : ['nodad'])];
  });
}

/**
 * Sysctls of a link that gets a call's addresses, as the plugins set them: IPv4 addresses are announced when it comes up, or its MAC is set; IPv6
 * is there for those that have such addresses, whatever the pod's default is, and they stay when the link goes down. (IPv6 addresses
 * are announced by ndisc_notify, which is the pod's default by then.)
 * @param name of the link at that moment
 */
export function linkSettings(call: DelegateCall, name: string): Readonly<Record<string, string>> {
  const ipv6 = (link: string, setting: string) => `net/ipv6/conf/${link}/${setting}`;
  return {
    [`net/ipv4/conf/${name}/arp_notify`]: '1',
    ...(hasStaticIpv6(call)
      ? { [ipv6('lo', 'disable_ipv6')]: '0', [ipv6(name, 'disable_ipv6')]: '0', [ipv6(name, 'keep_addr_on_down')]: '1' }
      : {}),
  };
}
