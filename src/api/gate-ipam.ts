import type { Findings } from './findings.ts';
import type { IpamMode } from './network.ts';

type Json = Readonly<Record<string, unknown>>;

/** A plugin is found by its file name in CNI_PATH. */
const pluginName = /^[A-Za-z0-9][\w.-]*$/;
const perMasterType = 'multi-config';
/** The NIC's own addresses go into the pod with it. */
const ownType = 'host-device-ipam';
/** Main plugins, which give no addresses. */
const notIpam = ['multi-nic'];
/** `routes` are read where those of multi-nic-ipam are. */
const perMasterFields = ['type', 'ipam_type', 'args', 'routes'];

/** Reads `ipam` of another type than multi-nic-ipam: any IPAM plugin, asked once for each NIC, or a configuration for each NIC. */
export function parseIpamMode(path: string, raw: Json, findings: Findings): IpamMode | undefined {
  const { type } = raw;
  if (type === perMasterType) return parsePerMaster(path, raw, findings);
  if (type === ownType) return parseOwn(path, raw, findings);
  return checkPlugin(`${path}.type`, type, findings) ? { kind: 'each', config: raw } : undefined;
}

function parseOwn(path: string, raw: Json, findings: Findings): IpamMode {
  for (const key of Object.keys(raw)) {
    if (key !== 'type')
      findings.add(`${path}.${key}`, `is not for ${ownType}, which takes what the NIC has: leave it out`);
  }
  return { kind: 'host-device' };
}

/** The predecessor's form: `{"type": "multi-config", "ipam_type": …, "args": {<NIC>: {…}}}`. */
function parsePerMaster(path: string, raw: Json, findings: Findings): IpamMode | undefined {
  for (const key of Object.keys(raw)) {
    if (perMasterFields.includes(key)) continue;
    findings.add(
      `${path}.${key}`,
      'is not supported beside multi-config: write it into the entries of args that need it',
    );
  }
  const type = raw['ipam_type'];
  const known = checkPlugin(`${path}.ipam_type`, type, findings);
  const args = raw['args'];
  if (!isObject(args) || Object.keys(args).length === 0) {
    return findings.add(
      `${path}.args`,
      'must have a configuration for each NIC, for example {"eth1": {"subnet": "10.1.0.0/24"}}',
    );
  }
  const configs = Object.entries(args).flatMap(([nic, config]) => {
    if (isObject(config)) return [[nic, withType(nic, config, type)] as const];
    findings.add(`${path}.args.${nic}`, 'must be a JSON object');
    return [];
  });
  return known ? { kind: 'per-master', configs: Object.fromEntries(configs) } : undefined;
}

/** whereabouts keeps one book for equal ranges whatever the NIC, unless they have names; the predecessor names them so. */
function withType(nic: string, config: Json, type: unknown): Json {
  const named = type === 'whereabouts' && config['network_name'] === undefined ? { network_name: nic } : {};
  return { ...named, ...config, type };
}

function checkPlugin(path: string, type: unknown, findings: Findings): boolean {
  const text = JSON.stringify(type);
  if (typeof type !== 'string' || !pluginName.test(type) || notIpam.includes(type) || type === perMasterType) {
    findings.add(path, `${text} names no IPAM plugin: use multi-nic-ipam, or host-local, static, dhcp, whereabouts …`);
    return false;
  }
  return true;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
