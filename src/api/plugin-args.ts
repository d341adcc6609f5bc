/** What a plugin wants where plugin.args has a text; `onOff` is sriov-cni's spelling of a boolean; from and to: a number between. */
type Shape =
  | 'number'
  | 'boolean'
  | 'onOff'
  | { readonly from: number; readonly to: number }
  | { readonly oneOf: readonly string[] }
  | { readonly like: RegExp; readonly expected: string };

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
    vlan: { from: 0, to: 4094 },
    vlanQoS: { from: 0, to: 7 },
    vlanProto: { oneOf: ['802.1q', '802.1Q', '802.1ad', '802.1AD'] },
    min_tx_rate: 'number',
    max_tx_rate: 'number',
    spoofchk: 'onOff',
    trust: 'onOff',
    link_state: { oneOf: ['auto', 'enable', 'disable'] },
    // For the operator, see deviceArgs.
    resourceName: { like: /^([a-z\d.-]+\/)?[A-Za-z\d]([\w.-]*[A-Za-z\d])?$/, expected: 'the name of a resource' },
    priority: { from: 0, to: 99 },
    numVfs: { from: 1, to: 65_535 },
    isRdma: 'boolean',
    needVhostNet: 'boolean',
  },
  mellanox: {
    resourceName: {
      like: /^[a-z\d.-]+\/[\w.-]+(,[a-z\d.-]+\/[\w.-]+)*$/,
      expected: 'whole names of resources, for example nvidia.com/hostdev',
    },
  },
};

/** What is said to whoever makes the devices, not to the delegate. */
const deviceArgs: Table<true> = {
  sriov: { resourceName: true, priority: true, mtu: true, numVfs: true, isRdma: true, needVhostNet: true },
  mellanox: { resourceName: true },
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
  const read = shape === undefined ? text : readAs(shape, text);
  return typeof read === 'object' ? { ok: false, ...read } : { ok: true, name, value: read };
}

/** Whether an argument is for the operator, which has the devices made: no delegate gets it. */
export function isDeviceArg(plugin: string, name: string): boolean {
  return find(deviceArgs, plugin, name) === true;
}

function readAs(shape: Shape, text: string): string | number | boolean | { readonly expected: string } {
  if (typeof shape === 'object') return readWithin(shape, text);
  if (shape === 'number') return isNumber(text) ? Number(text) : { expected: 'a number' };
  const truth = words.get(text);
  if (truth === undefined) return { expected: 'true or false' };
  return shape === 'boolean' ? truth : truth ? 'on' : 'off';
}

function readWithin(shape: Extract<Shape, object>, text: string): string | number | { readonly expected: string } {
  if ('oneOf' in shape) return shape.oneOf.includes(text) ? text : { expected: shape.oneOf.join(' or ') };
  if ('like' in shape) return shape.like.test(text) ? text : { expected: shape.expected };
  const { from, to } = shape;
  const fits = isNumber(text) && Number(text) >= from && Number(text) <= to;
  return fits ? Number(text) : { expected: `a number from ${from} to ${to}` };
}

function isNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,9})$/.test(text);
}

/** Texts of users meet no inherited properties here. */
function find<T>(table: Table<T>, plugin: string, name: string): T | undefined {
  const row = Object.hasOwn(table, plugin) ? table[plugin] : undefined;
  return row !== undefined && Object.hasOwn(row, name) ? row[name] : undefined;
}
