import { CniError, code } from '../api/cni-error.ts';
import type { CniVersion } from '../cni/types.ts';
import { isObject, type JsonObject } from './json.ts';
import type { ChainedCall } from './types.ts';

/** One entry of `plugin.metaPlugins` with the version to speak with it. */
export interface MetaPlugin extends ChainedCall {
  readonly cniVersion: CniVersion;
}

/**
 * Reads `plugin.metaPlugins` of a network configuration, in order; none when it is absent. Each gets as runtimeConfig what the runtime
 * hands over and its own `capabilities` name, as a runtime would give it to a plugin of a list (CNI specification, section 3).
 * @param runtime runtimeConfig of the call
 * @throws CniError 7 for entries that name no plugin: the gate lets none through, but a NAD may be written by hand
 */
export function readMetaPlugins(plugin: JsonObject, network: string, runtime: JsonObject = {}): readonly ChainedCall[] {
  const list = plugin['metaPlugins'] ?? [];
  const wrong = (what: string): CniError =>
    new CniError(code.invalidConfig, `network ${network}: plugin.metaPlugins${what}`);
  if (!Array.isArray(list)) throw wrong(' must be a list of plugin configurations');
  return list.map((entry: unknown, index) => {
    const type = isObject(entry) ? entry['type'] : undefined;
    if (!isObject(entry) || typeof type !== 'string')
      throw wrong(`[${index}] must be an object with the plugin's type`);
    const { capabilities, ...config } = entry;
    const runtimeConfig = wantedOf(capabilities, runtime);
    return { plugin: type, config: Object.keys(runtimeConfig).length === 0 ? config : { ...config, runtimeConfig } };
  });
}

function wantedOf(capabilities: unknown, runtime: JsonObject): JsonObject {
  if (!isObject(capabilities)) return {};
  return Object.fromEntries(Object.entries(runtime).filter(([name]) => capabilities[name] === true));
}

/** Ports of the host lead to one address of a pod. */
function forInterface(config: JsonObject, first: boolean): JsonObject {
  const { runtimeConfig, ...rest } = config;
  if (first || !isObject(runtimeConfig)) return config;
  const { portMappings: _firstAlone, ...others } = runtimeConfig;
  return Object.keys(others).length === 0 ? rest : { ...rest, runtimeConfig: others };
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
  { device, first }: { readonly device: string | undefined; readonly first: boolean },
): readonly ChainedCall[] {
  const own = [network, ifname.replaceAll(/[^\w.-]/g, '_')].filter((part) => part !== '').join('_');
  return chain.map(({ plugin, config, cniVersion }) => ({
    plugin,
    config: {
      ...forInterface(config, first),
      cniVersion,
      name: plugin === 'bandwidth' ? own : network,
      type: plugin,
      ...(device && { deviceID: device }),
    },
  }));
}
