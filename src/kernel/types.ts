import type { Address, Family } from '../net/address.ts';
import type { InterfaceAddress, Prefix } from '../net/prefix.ts';

/** Path of a network namespace (as CNI_NETNS); undefined: the one that the process is in. */
export type Netns = string | undefined;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly altnames: readonly string[];
  readonly mac: string;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  readonly carrier: boolean;
  /** ipvlan, macvlan, veth, bridge …; absent for plain devices. */
  readonly kind?: string;
  /** Mode of ipvlan and macvlan links. */
  readonly mode?: string;
  /** Index of the lower link (of a child, vlan …), in `linkNetnsid`'s namespace when that is given. */
  readonly lowerIndex?: number;
  readonly lowerElsewhere: boolean;
  /** Index of the bridge, bond, vrf … that this link is a port of. */
  readonly masterIndex?: number;
  /** A text that anybody may write on a link; it goes along into another namespace. */
  readonly alias?: string;
  /** The MAC that the hardware has, where the link has another. */
  readonly permanentMac?: string;
  readonly addresses: readonly LinkAddress[];
}

export interface LinkAddress extends InterfaceAddress {
  readonly scope: string;
  readonly tentative: boolean;
  /** Secondary, temporary (RFC 8981) or deprecated: no address to be known by. */
  readonly transient: boolean;
}

/** A link as it was at one moment, with all that it loses when it goes to another namespace. */
export interface SavedLink {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
  /** The MAC that the hardware has, where the link has another. */
  readonly permanentMac?: string;
  /** Absent for plain devices. */
  readonly kind?: string;
  readonly mtu: number;
  /** Administratively up. */
  readonly up: boolean;
  readonly carrier: boolean;
  readonly alias?: string;
  readonly altnames: readonly string[];
  /** Name of the link that it is a port of. */
  readonly master?: string;
  readonly addresses: readonly SavedAddress[];
  /** Words after `ip route add`, each of them names its link. */
  readonly routes: readonly IpCommand[];
}

/** An address of such a link, in the words of `ip addr add`. */
export interface SavedAddress {
  readonly family: Family;
  /** 10.1.1.2/24; without length where there is a peer. */
  readonly address: string;
  readonly peer?: string;
  readonly broadcast?: string;
  readonly scope: string;
  readonly label?: string;
  readonly metric?: number;
  readonly flags: readonly string[];
  /** Absent: for ever. */
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
}

/** One next hop of a route: a multipath route is read as one entry per next hop. */
export interface Route {
  readonly family: Family;
  /** Default routes have a prefix of length 0. */
  readonly dst: Prefix;
  readonly via?: Address;
  readonly dev?: string;
  readonly table: number;
  readonly protocol: number;
  readonly metric: number;
  readonly scope: 'global' | 'link' | 'host' | 'site' | 'nowhere';
  readonly source?: Address;
  readonly type: string;
}

export interface Rule {
  readonly family: Family;
  readonly priority: number;
  readonly from?: Prefix;
  readonly to?: Prefix;
  /** 0 when the action is not a lookup. */
  readonly table: number;
  readonly protocol: number;
  /** It has selectors or actions that are not named here (not, fwmark, iif, goto …): it is more than `from … to … lookup`. */
  readonly special: boolean;
}

/**
 * A line for `ip -batch`, without the leading `ip`, as argument vector. IPv6 rules begin with `-6`, IPv6 routes may: `ip` does
 * not tell a rule's family from its prefix. Neighbouring commands of one family share a process.
 */
export type IpCommand = readonly string[];

/** What goes with a batch. */
export interface BatchOptions {
  /** Set in the same process before the commands run, as far as there are such; names as of setSysctls. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Variables for the process, by which it can be found again. */
  readonly marks?: Readonly<Record<string, string>>;
}

/** Everything that multinic does to the kernel. One implementation (ip.ts) runs iproute2; no other folder runs `ip` or reads /sys. */
export interface Kernel {
  links(netns?: Netns): Promise<readonly Link[]>;
  routes(options: {
    family: Family;
    table?: number | 'all';
    protocol?: number;
    netns?: Netns;
  }): Promise<readonly Route[]>;
  rules(options: { family: Family; netns?: Netns }): Promise<readonly Rule[]>;
  /** Runs the commands in order in one process; answers, for each, undefined or what the kernel said (the rest goes on). */
  batch(
    commands: readonly IpCommand[],
    netns?: Netns,
    options?: BatchOptions,
  ): Promise<readonly (string | undefined)[]>;
  /** The same for one family's commands, and in the same process a look at the links afterwards: a spawn saved on each ADD. */
  batchThenLinks(
    commands: readonly IpCommand[],
    netns?: Netns,
    options?: BatchOptions,
  ): Promise<{ readonly answers: readonly (string | undefined)[]; readonly links: readonly Link[] }>;
  /**
   * A link of the caller's namespace with addresses and routes, as it is now; undefined when there is none of that name.
   * @param except protocol of routes that are not to be kept
   */
  save(name: string, except?: number): Promise<SavedLink | undefined>;
  /** Path of the caller's own network namespace, as programs in other namespaces see it. */
  readonly ownNetns: string;
  /** Reads a text below /sys of the caller's namespace, trimmed; undefined when absent or unreadable. */
  sysfs(path: string): string | undefined;
  /** Sets sysctls (`net.ipv6.conf.default.dad_transmits`) inside a namespace, as far as there are such; costs no process. */
  setSysctls(sysctls: Readonly<Record<string, string>>, netns: string): Promise<void>;
  /** `<device>:<inode>` of a namespace file, undefined when the path is gone or no namespace. */
  netnsId(path: string): string | undefined;
  /** Calls back, coalesced, whenever links, addresses, routes or rules change; ends with the signal. */
  watch(onChange: () => void, signal: AbortSignal): void;
  /** This boot's id. */
  bootId(): string;
}
