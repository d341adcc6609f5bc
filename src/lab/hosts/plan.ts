/** What a lab's hosts shall look like. */
export interface HostsSpec {
  /** 1 … 200. */
  readonly hosts: number;
  /** Pool NICs of each host (eth1 …), one per rail: 0 … 200. */
  readonly nics: number;
  /** Address families of the rails. */
  readonly families: readonly (4 | 6)[];
}

/** One NIC of a host. `rail` 0 is the management network, whose NIC has the default route. */
export interface PlannedNic {
  readonly name: string;
  readonly rail: number;
  readonly mac: string;
  /** address/length, IPv4 first. */
  readonly addresses: readonly string[];
  /** The bridge port at the other end, in the fabric's namespace. */
  readonly port: string;
}

export interface PlannedHost {
  readonly name: string;
  /** From 1. */
  readonly number: number;
  readonly nics: readonly PlannedNic[];
}

const limit = 200;

/** @throws RangeError naming what does not fit */
export function planHosts(spec: HostsSpec, mgmtPrefix: string): PlannedHost[] {
  check('hosts', spec.hosts, 1);
  check('nics', spec.nics, 0);
  return range(spec.hosts).map((number) => ({
    name: `host${number}`,
    number,
    nics: [mgmtNic(number, mgmtPrefix), ...range(spec.nics).map((rail) => railNic(number, rail, spec.families))],
  }));
}

/** Name of the rail's bridge. */
export function bridgeName(rail: number): string {
  return rail === 0 ? 'mgmt' : `rail${rail}`;
}

/** The rail's networks, as prefixes. */
export function railPrefixes(rail: number, families: readonly (4 | 6)[]): string[] {
  return families.map((family) => (family === 4 ? `10.1.${rail}.0/24` : `fd00:10:1:${rail.toString(16)}::/64`));
}

/** Lines for `ip -batch` in the fabric's namespace: bridges, and cables whose far ends land in the hosts (by pid). */
export function fabricCommands(
  hosts: readonly PlannedHost[],
  rails: number,
  pidOf: (host: PlannedHost) => number,
): string[] {
  const bridges = [0, ...range(rails)].flatMap((rail) => [
    `link add ${bridgeName(rail)} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
    `link set ${bridgeName(rail)} up`,
  ]);
  const cables = hosts.flatMap((host) =>
    host.nics.map(
      (nic) =>
        `link add ${nic.port} master ${bridgeName(nic.rail)} up type veth peer name ${nic.name} address ${nic.mac} netns ${pidOf(host)}`,
    ),
  );
  return [...bridges, ...cables];
}

/** Lines for `ip -batch` in the host's namespace. */
export function hostCommands(host: PlannedHost, gateway: string): string[] {
  const nics = host.nics.flatMap((nic) => [
    ...nic.addresses.map((address) => `address add ${address} dev ${nic.name}`),
    `link set ${nic.name} up`,
  ]);
  return ['link set lo up', ...nics, `route add default via ${gateway} dev eth0`];
}

function mgmtNic(host: number, prefix: string): PlannedNic {
  return {
    name: 'eth0',
    rail: 0,
    mac: mac(host, 0),
    addresses: [`${prefix}.${host + 10}/24`],
    port: `h${host}e0`,
  };
}

function railNic(host: number, rail: number, families: readonly (4 | 6)[]): PlannedNic {
  const address = (family: 4 | 6) =>
    family === 4 ? `10.1.${rail}.${host + 10}/24` : `fd00:10:1:${rail.toString(16)}::${(host + 10).toString(16)}/64`;
  return { name: `eth${rail}`, rail, mac: mac(host, rail), addresses: families.map(address), port: `h${host}e${rail}` };
}

/** Locally administered, the same in every lab: 02:6d:6e:<rail>:00:<host>. */
function mac(host: number, rail: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, '0');
  return `02:6d:6e:${hex(rail)}:00:${hex(host)}`;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

function check(what: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= limit) return;
  throw new RangeError(`${what} is ${value}: a lab has ${least} to ${limit}`);
}
