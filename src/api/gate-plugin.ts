import { chainedType, ownCapabilities, ownKeys, ownType } from './chained.ts';
import { type PluginFacts, plugins } from './delegations.ts';
import type { Findings } from './findings.ts';
import type { Addressing } from './gate-addressing.ts';
import { checkSriovArgs } from './gate-sriov.ts';
import type { MultiNicNetworkSpec } from './kinds/multinicnetwork.ts';
import type { Delegation, LinkMode } from './network.ts';
import { pluginArg } from './plugin-args.ts';

/** What the delegates make. */
export interface PluginChoice extends Delegation {
  readonly cniVersion: string;
  readonly pluginArgs: Readonly<Record<string, string>>;
}

/** CNI versions that a NetworkAttachmentDefinition may carry (src/cni speaks exactly these; a test compares). */
export const cniVersions: readonly string[] = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/** Plugin types of the design that are still to come. */
const laterTypes = ['aws-ipvlan'];

/** Reads `spec.plugin`; undefined when the link kind or mode cannot be told. */
export function parsePlugin(
  plugin: MultiNicNetworkSpec['plugin'],
  vlanMode: Addressing['vlanMode'],
  findings: Findings,
): PluginChoice | undefined {
  if (!cniVersions.includes(plugin.cniVersion)) {
    findings.add('spec.plugin.cniVersion', `"${plugin.cniVersion}" is not supported: ${cniVersions.join(', ')}`);
  }
  for (const [index, entry] of (plugin.metaPlugins ?? []).entries()) checkMetaPlugin(entry, index, findings);
  const { mode: modeArg, ...pluginArgs } = plugin.args ?? {};
  checkMtu(pluginArgs['mtu'], findings);
  checkArgs(plugin.type, pluginArgs, findings);
  const facts = parseType(plugin.type, findings);
  if (facts === undefined) return undefined;
  const choice = { cniVersion: plugin.cniVersion, pluginType: plugin.type, binding: facts.binding, pluginArgs };
  if (facts.modes.length === 0) {
    refuseMode(plugin.type, modeArg || undefined, vlanMode, findings);
    return choice;
  }
  const mode = effectiveMode(plugin.type, facts.modes, modeArg || undefined, vlanMode, findings);
  return mode && { ...choice, mode };
}

function parseType(type: string, findings: Findings): PluginFacts | undefined {
  const facts = plugins.get(type);
  if (facts !== undefined) return facts;
  const why = laterTypes.includes(type) ? 'is not supported yet' : 'is unknown';
  return findings.add('spec.plugin.type', `"${type}" ${why}: use ${[...plugins.keys()].join(', ')}`);
}

function checkArgs(type: string, args: Readonly<Record<string, string>>, findings: Findings): void {
  for (const [name, text] of Object.entries(args)) {
    if (name === 'mtu' || text === '') continue;
    const arg = pluginArg(type, name, text);
    if (!arg.ok) findings.add(`spec.plugin.args.${name}`, `"${text}" must be ${arg.expected} for ${type}`);
  }
  if (type === 'sriov') checkSriovArgs(args, findings);
  if (type === 'host-device') checkLentArgs(args, findings);
  if (type !== 'bridge' || args['bridge']) return;
  findings.add('spec.plugin.args.bridge', 'is missing: name the bridge of the hosts that pods are connected to');
}

/** NICs are named in one way at most, of all hosts together; the plugin sets no MTU. */
function checkLentArgs(args: Readonly<Record<string, string>>, findings: Findings): void {
  const [, ...more] = Object.entries(args).filter(([name, text]) => nicArgs.has(name) && text !== '');
  for (const [name] of more) {
    findings.add(`spec.plugin.args.${name}`, `is too much: name NICs by one of ${[...nicArgs.keys()].join(', ')}`);
  }
  for (const [name, text] of Object.entries(args)) {
    const form = nicArgs.get(name);
    const wrong = form && text.split(',').find((one) => !form.pattern.test(one.trim()));
    if (form === undefined || wrong === undefined || text === '') continue;
    findings.add(`spec.plugin.args.${name}`, `"${wrong.trim()}" is no ${form.what}; several are divided by commas`);
  }
  if ((args['mtu'] ?? '') === '' || args['mtu'] === '0') return;
  findings.add(
    'spec.plugin.args.mtu',
    'host-device leaves the MTU as it is: leave it out, or put {"type": "tuning", "mtu": 9000} into metaPlugins',
  );
}

/** How host-device is told NICs, and what that looks like. */
const nicArgs: ReadonlyMap<string, { readonly pattern: RegExp; readonly what: string }> = new Map([
  ['device', { pattern: /^[^\s/:]{1,15}$/, what: 'name of a link, as eth1' }],
  ['pciBusID', { pattern: /^[\da-f]{4,}:[\da-f]{2}:[\da-f]{2}\.[0-7]$/i, what: 'PCI address, as 0000:3b:00.0' }],
  ['hwaddr', { pattern: /^([\da-f]{2}:){5}[\da-f]{2}$/i, what: 'MAC address, as 02:42:0a:01:02:03' }],
  ['kernelpath', { pattern: /^\/sys\/devices\/\S+$/, what: 'path below /sys/devices/' }],
]);

const chainable = new RegExp(chainedType);

function checkMetaPlugin(entry: Readonly<Record<string, unknown>>, index: number, findings: Findings): void {
  const path = `spec.plugin.metaPlugins[${index}]`;
  const { type } = entry;
  if (typeof type !== 'string' || type === '') {
    findings.add(`${path}.type`, 'is missing: name the chained plugin, for example tuning');
  } else if (!chainable.test(type) || type.startsWith(ownType)) {
    findings.add(`${path}.type`, `"${type}" is no plugin that can be chained: name its binary, for example tuning`);
  }
  for (const key of ownKeys.filter((one) => Object.hasOwn(entry, one))) {
    findings.add(`${path}.${key}`, 'is not for chained plugins here: leave it out');
  }
  checkCapabilities(`${path}.capabilities`, entry['capabilities'], findings);
}

function checkCapabilities(path: string, value: unknown, findings: Findings): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return findings.add(path, 'must be an object of names and true, for example {"bandwidth": true}');
  }
  for (const [name, wanted] of Object.entries(value)) {
    if (typeof wanted !== 'boolean') findings.add(`${path}.${name}`, 'must be true or false');
    else if (ownCapabilities.includes(name)) {
      findings.add(`${path}.${name}`, 'is not for chained plugins: multinic gives it to the interfaces itself');
    }
  }
}

function refuseMode(
  type: string,
  modeArg: string | undefined,
  vlanMode: Addressing['vlanMode'],
  findings: Findings,
): void {
  if (modeArg !== undefined) findings.add('spec.plugin.args.mode', `${type} has no modes: leave it out`);
  if (vlanMode === undefined || vlanMode === 'l2') return;
  findings.add('spec.plugin.type', `${type} cannot be vlanMode ${vlanMode}: use plugin type ipvlan, or vlanMode l2`);
}

/** The one mode that plugin.args.mode and vlanMode name together; l2 (ipvlan) or bridge (macvlan) when neither does. */
function effectiveMode(
  kind: string,
  known: readonly LinkMode[],
  modeArg: string | undefined,
  vlanMode: Addressing['vlanMode'],
  findings: Findings,
): LinkMode | undefined {
  const mode = known.find((one) => one === modeArg);
  if (modeArg !== undefined && mode === undefined) {
    return findings.add('spec.plugin.args.mode', `"${modeArg}" is no mode of ${kind}: ${known.join(', ')}`);
  }
  if (kind === 'macvlan') {
    if (vlanMode === undefined || vlanMode === 'l2') return mode ?? 'bridge';
    return findings.add(
      'spec.plugin.type',
      `macvlan works on layer 2 and cannot be vlanMode ${vlanMode}: use plugin type ipvlan, or vlanMode l2`,
    );
  }
  if (mode !== undefined && vlanMode !== undefined && mode !== vlanMode) {
    return findings.add(
      'spec.plugin.args.mode',
      `"${mode}" contradicts vlanMode "${vlanMode}": make them equal or leave one out`,
    );
  }
  return mode ?? vlanMode ?? 'l2';
}

/** 0 means the master's MTU; IPv4 needs 68 bytes (RFC 791). */
function checkMtu(text: string | undefined, findings: Findings): void {
  if (text === undefined) return;
  const mtu = /^(0|[1-9]\d{0,4})$/.test(text) ? Number(text) : Number.NaN;
  if (mtu === 0 || (mtu >= 68 && mtu <= 65535)) return;
  findings.add('spec.plugin.args.mtu', `"${text}" is no MTU: 68 to 65535 bytes, or 0 for the NIC's`);
}
