/** What a plugin wants where plugin.args has a text; `onOff` is sriov-cni's spelling of a boolean. */
type Shape = 'number' | 'boolean' | 'onOff';

type Table<T> = Readonly<Record<string, Readonly<Record<string, T>>>>;

/**
 * Arguments that are no texts to their plugin, by plugin; all others go through as they are. From the plugins' documentation:
 * containernetworking/plugins v1.9.1 and sriov-cni v2.10.0.
 */
const shapes: Table<Shape> = {
  macvlan: { bcqueuelen: 'number' },
  bridge: {
    vlan: 'number',
    isGateway: 'boolean',
    isDefaultGateway: 'boolean',
    forceAddress: 'boolean',
    hairpinMode: 'boolean',
    promiscMode: 'boolean',
    enabledad: 'boolean',
    macspoofchk: 'boolean',
    preserveDefaultVlan: 'boolean',
    disableContainerInterface: 'boolean',
    portIsolation: 'boolean',
  },
  tap: { owner: 'number', group: 'number', multiQueue: 'boolean' },
  sriov: {
    vlan: 'number',
    vlanQoS: 'number',
    min_tx_rate: 'number',
    max_tx_rate: 'number',
    spoofchk: 'onOff',
    trust: 'onOff',
  },
};

/** The predecessor's names of arguments that sriov-cni knows by others. */
const otherNames: Table<string> = {
  sriov: { minTxRate: 'min_tx_rate', maxTxRate: 'max_tx_rate', vlanQos: 'vlanQoS' },
};

const words = new Map([
  ['true', true],
  ['on', true],
  ['false', false],
  ['off', false],
]);

/** One argument as the plugin wants it, or what its text must be. */
export type PluginArg =
  | { readonly ok: true; readonly name: string; readonly value: string | number | boolean }
  | { readonly ok: false; readonly expected: string };

/** Reads one entry of plugin.args, under the predecessor's name too. */
export function pluginArg(plugin: string, given: string, text: string): PluginArg {
  const name = find(otherNames, plugin, given) ?? given;
  const shape = name === 'mtu' ? 'number' : find(shapes, plugin, name);
  if (shape === undefined) return { ok: true, name, value: text };
  if (shape === 'number') {
    return /^(0|[1-9]\d{0,9})$/.test(text)
      ? { ok: true, name, value: Number(text) }
      : { ok: false, expected: 'a number' };
  }
  const truth = words.get(text);
  if (truth === undefined) return { ok: false, expected: 'true or false' };
  return { ok: true, name, value: shape === 'boolean' ? truth : truth ? 'on' : 'off' };
}

/** Texts of users meet no inherited properties here. */
function find<T>(table: Table<T>, plugin: string, name: string): T | undefined {
  const row = Object.hasOwn(table, plugin) ? table[plugin] : undefined;
  return row !== undefined && Object.hasOwn(row, name) ? row[name] : undefined;
}
