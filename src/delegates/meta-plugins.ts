import { CniError, code } from '../api/cni-error.ts';
import type { CniVersion } from '../cni/types.ts';
import { isObject } from './json.ts';
import type { ChainedCall } from './types.ts';

/** One entry of `plugin.metaPlugins` with the version to speak with it. */
export interface MetaPlugin extends ChainedCall {
  readonly cniVersion: CniVersion;
}

/**
 * Reads `plugin.metaPlugins` of a network configuration, in order; none when it is absent.
 * @throws CniError 7 for entries that name no plugin: the gate lets none through, but a NAD may be written by hand
 */
export function readMetaPlugins(plugin: Readonly<Record<string, unknown>>, network: string): readonly ChainedCall[] {
  const list = plugin['metaPlugins'] ?? [];
  const wrong = (what: string): CniError =>
    new CniError(code.invalidConfig, `network ${network}: plugin.metaPlugins${what}`);
  if (!Array.isArray(list)) throw wrong(' must be a list of plugin configurations');
  return list.map((entry: unknown, index) => {
    const type = isObject(entry) ? entry['type'] : undefined;
    if (!isObject(entry) || typeof type !== 'string')
      throw wrong(`[${index}] must be an object with the plugin's type`);
    return { plugin: type, config: entry };
  });
}

/**
 * What is chained to one NIC's call. The bandwidth plugin names its link on the host by network and container alone, so that a
 * second NIC of a container would meet that of the first: its network has the interface in the name. A device is named to each, as
 * Multus does: rdma finds by it what to move.
 */
export function chainFor(
  chain: readonly MetaPlugin[],
  network: string,
  ifname: string,
  device?: string,
): readonly ChainedCall[] {
  const own = [network, ifname.replaceAll(/[^\w.-]/g, '_')].filter((part) => part !== '').join('_');
  return chain.map(({ plugin, config, cniVersion }) => ({
    plugin,
    config: {
      ...config,
      cniVersion,
      name: plugin === 'bandwidth' ? own : network,
      type: plugin,
      ...(device && { deviceID: device }),
    },
  }));
}
