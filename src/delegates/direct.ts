import { hash } from 'node:crypto';
import type { AttachmentKey, CniResult } from '../cni/types.ts';
import { isOlder } from '../cni/versions.ts';
import { addressLines, type IpLine, linkSettings } from './addressing.ts';
import { isObject } from './json.ts';
import { versionOf } from './plan.ts';
import { isPlainStatic, staticAddresses } from './static-ipam.ts';
import type { DelegateCall } from './types.ts';

/** What makes all links of an attachment in two batches, with the state that the reference plugins would leave. */
export interface DirectPlan {
  /** In the host's namespace: one for each call, by position. Links are born in the pod, down, under a passing name. */
  readonly create: readonly IpLine[];
  /** What is to be done in the pod then; to be asked for while links are created. */
  finish(): {
    /** Before the lines: of links that are still down. */
    readonly sysctls: Readonly<Record<string, string>>;
    /** With the call that each line is for. */
    readonly lines: readonly { readonly call: DelegateCall; readonly line: IpLine }[];
  };
}

/** As much of a made link as its result tells. */
export interface MadeLink {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

/** Keys of a call's configuration whose meaning is known here; any other is the plugin's own business. */
const knownKeys: ReadonlySet<string> = new Set(['cniVersion', 'name', 'type', 'master', 'mode', 'mtu', 'mac', 'ipam']);

const modes: Readonly<Record<string, readonly string[]>> = {
  ipvlan: ['l2', 'l3', 'l3s'],
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
};

/**
 * How links of these calls can be made without their delegates; undefined where one call asks for anything that is not known
 * here: another plugin, one chained to it, another IPAM plugin than `static` with addresses alone, a key more.
 * @param netns path in the pod's terms; one that cannot stand in a batch is left to the delegates
 * @param ipv6 sysctls for each link, below net/ipv6/conf/<link>
 */
export function planDirect(
  key: AttachmentKey,
  calls: readonly DelegateCall[],
  netns: string,
  ipv6: Readonly<Record<string, string>>,
): DirectPlan | undefined {
  if (!/^\/[^\s'"#\\]+$/.test(netns) || calls.some((call) => !isPlain(call))) return undefined;
  if (new Set(calls.map(({ ifname }) => ifname)).size < calls.length) return undefined;
  const names = passingNames(key, calls.length);
  return {
    create: calls.map((call, index) => creation(call, names[index] ?? '', netns)),
    finish: () => ({
      sysctls: Object.assign({}, ...calls.map((call, index) => settings(call, names[index] ?? '', ipv6))),
      lines: calls.flatMap((call, index) => finishing(call, names[index] ?? '').map((line) => ({ call, line }))),
    }),
  };
}

/** What the reference plugin with `static` would have answered. */
export function directResult(call: DelegateCall, link: MadeLink, netns: string): CniResult {
  const { ifname: name } = call;
  const mtu = isOlder(versionOf(call), '1.1.0') ? {} : { mtu: link.mtu };
  return {
    interfaces: [{ name, mac: link.mac, ...mtu, sandbox: netns }],
    ips: staticAddresses(call).map((address) => ({ address, interface: 0 })),
    routes: [],
    dns: {},
  };
}

/**
 * The form that the reference plugins give their links until they rename them, so that what looks for half-made links finds
 * these too; always the same for one NIC of one attachment, of which there are at most 256.
 */
function passingNames({ network, containerID, ifname }: AttachmentKey, count: number): string[] {
  const digest = hash('sha256', JSON.stringify([network, containerID, ifname])).slice(0, 6);
  return Array.from({ length: count }, (_, index) => `veth${digest}${index.toString(16).padStart(2, '0')}`);
}

/** As the plugins do: no transmit queue, the master's MTU unless another is asked for. */
function creation({ nic, plugin, config }: DelegateCall, name: string, netns: string): IpLine {
  const mtu = typeof config['mtu'] === 'number' ? ['mtu', String(config['mtu'])] : [];
  const mac = typeof config['mac'] === 'string' ? ['address', config['mac']] : [];
  const kind = ['type', plugin, 'mode', String(config['mode'])];
  return ['link', 'add', 'link', nic, 'name', name, 'txqueuelen', '0', ...mtu, ...mac, 'netns', netns, ...kind];
}

function settings(
  call: DelegateCall,
  name: string,
  ipv6: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const common = Object.entries(ipv6).map(([setting, value]) => [`net/ipv6/conf/${name}/${setting}`, value] as const);
  return { ...Object.fromEntries(common), ...linkSettings(call, name) };
}

/** Addresses before the link is up: the kernel announces them when it comes up (arp_notify, ndisc_notify). */
function finishing(call: DelegateCall, name: string): IpLine[] {
  const renamed = ['link', 'set', 'dev', name, 'name', call.ifname];
  return [renamed, ...addressLines(call), ['link', 'set', 'dev', call.ifname, 'up']];
}

function isPlain(call: DelegateCall): boolean {
  const { nic, plugin, config, chain } = call;
  if (chain !== undefined) return false;
  if (modes[plugin]?.includes(String(config['mode'])) !== true) return false;
  if (config['type'] !== plugin || config['master'] !== nic) return false;
  if (!['number', 'undefined'].includes(typeof config['mtu'])) return false;
  if (config['mac'] !== undefined && plugin !== 'macvlan') return false;
  return (
    Object.keys(config).every((name) => knownKeys.has(name)) && (hasNoAddresses(config['ipam']) || isPlainStatic(call))
  );
}

function hasNoAddresses(ipam: unknown): boolean {
  return isObject(ipam) && Object.keys(ipam).length === 0;
}
