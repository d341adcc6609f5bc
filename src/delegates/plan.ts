import { CniError, code } from '../api/cni-error.ts';
import { delegateOf, plugins } from '../api/delegations.ts';
import type { Delegation } from '../api/network.ts';
import { type CniVersion, supportedVersions } from '../cni/types.ts';
import { isSupported } from '../cni/versions.ts';
import type { Address } from '../net/address.ts';
import { formatInterfaceAddress } from '../net/prefix.ts';
import { askIpam } from './ask-ipam.ts';
import { nicKeys } from './host-device.ts';
import { chainFor, type MetaPlugin } from './meta-plugins.ts';
import type { DelegateCall, SourceRouting } from './types.ts';

/** A NIC of an attachment with what it gets. */
export interface ChosenNic {
  /** Host NIC. */
  readonly nic: string;
  /** Interface in the pod. */
  readonly ifname: string;
  /** What kubelet's device plugin gave, on that NIC: a PCI address, or the name of an auxiliary device (`mlx5_core.sf.2`). */
  readonly device?: string;
  /** What tells host-device that NIC (`nicKeys`); its name unless told. */
  readonly keys?: Readonly<Record<string, string>>;
  /** At most one per family; `length` is that of the rail's prefix (vlanCIDR), so that the whole rail is on-link. */
  readonly addresses: readonly { readonly address: Address; readonly length: number }[];
  /** MAC that the interface shall have. */
  readonly mac?: string;
  readonly source?: SourceRouting;
  /** The configuration of an IPAM plugin that gives the addresses; `addresses` are then what it is asked for. */
  readonly ipam?: Readonly<Record<string, unknown>>;
}

export interface CallsInput extends Delegation {
  /** Name of the network configuration. */
  readonly network: string;
  /** As negotiated with the delegate, see `negotiate`. */
  readonly cniVersion: CniVersion;
  /** The delegate's keys as the network configuration carries them. */
  readonly plugin: Readonly<Record<string, unknown>>;
  readonly nics: readonly ChosenNic[];
  /** Chained to each NIC's plugin, in order. */
  readonly chain?: readonly MetaPlugin[];
}

/**
 * Keys of the network's plugin object that are not handed on: decided here for each NIC, or such that one value for all NICs
 * would be wrong (a MAC or an address would be on every NIC at once; NICs of the pool are never in the pod).
 */
const ownKeys: ReadonlySet<string> = new Set([
  'cniVersion',
  'name',
  'type',
  'master',
  'mode',
  'mtu',
  'ipam',
  'ips',
  'mac',
  'dns',
  'args',
  'runtimeConfig',
  'capabilities',
  'prevResult',
  'ipMasq',
  'linkInContainer',
  'metaPlugins',
  'deviceID',
  'pciBusID',
]);

/**
 * One complete call per NIC, in their order. Addresses go through the `static` IPAM plugin, unless another is to give them; other keys
 * of the network's plugin object are handed on as they are. All calls carry the network's name, whatever the NIC: an IPAM plugin that
 * keeps its books by name (host-local) then gives no address to two NICs of a network.
 * @throws CniError 7 for an mtu that is no number from 68 to 65535
 */
export function planCalls(input: CallsInput): DelegateCall[] {
  const named: readonly string[] = input.binding === 'device' ? nicKeys : [];
  const given = Object.entries(input.plugin).filter(([key]) => !ownKeys.has(key) && !named.includes(key));
  const mtu = mtuOf(input);
  const plugin = delegateOf(input.pluginType);
  return input.nics.map(({ nic, ifname, device, keys = { device: nic }, addresses, ipam, mac, source }, index) => ({
    nic,
    ifname,
    ...(device === undefined ? {} : { device }),
    plugin,
    config: {
      ...Object.fromEntries(given),
      cniVersion: input.cniVersion,
      name: input.network,
      type: plugin,
      ...(input.binding === 'master' ? { master: nic } : {}),
      ...(input.binding === 'device' ? keys : {}),
      ...(input.mode === undefined ? {} : { mode: input.mode }),
      ...(mtu === undefined ? {} : { mtu }),
      ...runtimeKeys(
        device === undefined ? {} : deviceKeys(plugin, device),
        macKeys(input.pluginType, mac),
        ipamKeys(plugin, ipam, addresses),
      ),
    },
    ...(source === undefined ? {} : { source }),
    ...(input.chain?.length
      ? { chain: chainFor(input.chain, input.network, ifname, { device, first: index === 0 }) }
      : {}),
  }));
}

/** All of runtimeConfig that a call has: what one NIC's plugin, or its IPAM plugin, is asked for, and nothing of the others'. */
function runtimeKeys(...parts: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, unknown>> {
  const runtimeConfig = Object.assign({}, ...parts.map((part) => part['runtimeConfig']));
  return { ...Object.assign({}, ...parts), ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }) };
}

/**
 * For interfaces without addresses: plugins that can do without name no IPAM plugin then. ipvlan always asks one, and refuses an answer
 * without addresses; only where multinic makes the links itself such interfaces can be.
 */
function withoutAddresses(plugin: string): Readonly<Record<string, unknown>> {
  return plugin === 'ipvlan' ? { type: 'static', addresses: [] } : {};
}

function ipamKeys(
  plugin: string,
  ipam: ChosenNic['ipam'],
  addresses: ChosenNic['addresses'],
): Readonly<Record<string, unknown>> {
  if (ipam === undefined) {
    const list = addresses.map(({ address, length }) => ({ address: formatInterfaceAddress(address, length) }));
    return { ipam: { type: 'static', addresses: list } };
  }
  const { ipam: asked, ips } = askIpam(ipam, addresses);
  if (asked['type'] === 'static' && !(Array.isArray(asked['addresses']) && asked['addresses'].length > 0)) {
    return { ipam: withoutAddresses(plugin) };
  }
  return { ipam: asked, ...(ips === undefined ? {} : { runtimeConfig: { ips } }) };
}

/** Where a plugin reads the MAC for its interface (containernetworking/plugins v0.8.7 and newer, sriov-cni v2). */
function macKeys(pluginType: string, mac: string | undefined): Readonly<Record<string, unknown>> {
  if (mac === undefined) return {};
  return plugins.get(pluginType)?.mac === 'runtime' ? { runtimeConfig: { mac } } : { mac };
}

/** sriov-cni has a key for any device; host-device has one for PCI addresses, and takes others as a runtime would hand them over. */
function deviceKeys(plugin: string, device: string): Readonly<Record<string, unknown>> {
  if (plugin !== 'host-device') return { deviceID: device };
  return isPciAddress(device) ? { pciBusID: device } : { runtimeConfig: { deviceID: device } };
}

/** `0000:3b:02.1`, as the kernel writes it. */
export function isPciAddress(text: string): boolean {
  return /^[\da-f]{4,}:[\da-f]{2}:[\da-f]{2}\.[0-7]$/i.test(text);
}

/** 0 and absent mean the master's; texts of digits are taken, as plugin.args of a network has texts only. */
function mtuOf({ plugin, network }: CallsInput): number | undefined {
  const value = plugin['mtu'];
  if (value === undefined || value === null || value === '') return undefined;
  const mtu = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (mtu === 0) return undefined;
  if (typeof mtu !== 'number' || !Number.isInteger(mtu) || mtu < 68 || mtu > 65535) {
    throw new CniError(
      code.invalidConfig,
      `network ${network}: plugin.mtu is ${JSON.stringify(value)}, but must be a number from 68 to 65535`,
    );
  }
  return mtu;
}

/** The version in which a planned call is made. */
export function versionOf(call: DelegateCall): CniVersion {
  const version = call.config['cniVersion'];
  return isSupported(version) ? version : '1.0.0';
}

/**
 * The version to speak with a delegate: the newest that both know and that is not newer than the attachment's; where the
 * delegate only knows newer ones, the oldest of those (results are converted).
 * @throws CniError 1 when it knows none of ours
 */
export function negotiate(delegate: string, known: readonly string[], wanted: CniVersion): CniVersion {
  const common = supportedVersions.filter((version) => known.includes(version));
  const chosen = common.findLast((version) => version <= wanted) ?? common[0];
  if (chosen !== undefined) return chosen;
  throw new CniError(
    code.incompatibleVersion,
    `the delegate ${delegate} speaks CNI ${known.join(', ') || 'no version'}; multinic speaks ${supportedVersions.join(', ')}: install CNI plugins of another release`,
  );
}
