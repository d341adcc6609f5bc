import type { Delegation, LinkMode, NicBinding } from './network.ts';

/** What is known of a plugin that networks may delegate to. */
export interface PluginFacts {
  readonly binding: NicBinding;
  /** The first is the default. */
  readonly modes: readonly LinkMode[];
  /** The CNI plugin that is run, where it is called otherwise. */
  readonly delegate?: string;
  /** How it is asked for a MAC: by its key `mac`, or by runtimeConfig.mac; absent: it has no say in it. */
  readonly mac?: 'key' | 'runtime';
}

/** Plugins by spec.plugin.type. */
export const plugins: ReadonlyMap<string, PluginFacts> = new Map<string, PluginFacts>([
  ['ipvlan', { binding: 'master', modes: ['l2', 'l3', 'l3s'] }],
  ['macvlan', { binding: 'master', modes: ['bridge', 'private', 'vepa', 'passthru'], mac: 'key' }],
  ['bridge', { binding: 'none', modes: [], mac: 'runtime' }],
  ['tap', { binding: 'none', modes: [], mac: 'runtime' }],
  ['dummy', { binding: 'none', modes: [] }],
  ['host-device', { binding: 'device', modes: [] }],
  ['sriov', { binding: 'deviceID', modes: [], mac: 'key' }],
  ['mellanox', { binding: 'deviceID', modes: [], delegate: 'host-device' }],
]);

/** The CNI plugin that is run for a network of that type. */
export function delegateOf(pluginType: string): string {
  return plugins.get(pluginType)?.delegate ?? pluginType;
}

/** The delegation that a type and mode written down earlier stand for; undefined when they stand for none. */
export function delegationOf(pluginType: string, modeText: string | undefined): Delegation | undefined {
  const facts = plugins.get(pluginType);
  if (facts === undefined) return undefined;
  if (facts.modes.length === 0) return { pluginType, binding: facts.binding };
  const mode = facts.modes.find((one) => one === modeText);
  return mode === undefined ? undefined : { pluginType, binding: facts.binding, mode };
}
