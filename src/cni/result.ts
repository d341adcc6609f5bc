import { CniError, code } from '../api/cni-error.ts';
import { parseAddress } from '../net/address.ts';
import { parseInterfaceAddress } from '../net/prefix.ts';
import { describe, FieldReader, type JsonObject, listProblems } from './fields.ts';
import {
  type CniResult,
  type CniVersion,
  type ResultInterface,
  type ResultIp,
  type ResultRoute,
  supportedVersions,
} from './types.ts';
import { isSupported } from './versions.ts';

export const emptyResult: CniResult = { interfaces: [], ips: [], routes: [], dns: {} };

/**
 * Reads a result of any of the five versions, a whole one or the abbreviated one of an IPAM plugin; `null` is the empty
 * result. Versions differ only in keys that are absent from the others, so one reader serves all.
 * @param fallbackVersion what a result without cniVersion is of: its config's version
 * @throws CniError 6 with all problems and their paths
 */
export function readResult(json: unknown, fallbackVersion: CniVersion): CniResult {
  const reader = new FieldReader();
  const result = collectResult(reader, json, '', fallbackVersion);
  if (reader.problems.length > 0) throw new CniError(code.decode, `CNI result: ${listProblems(reader.problems)}`);
  return result;
}

/** As readResult; problems go to the reader, below `path`. */
export function collectResult(
  reader: FieldReader,
  json: unknown,
  path: string,
  fallbackVersion: CniVersion,
): CniResult {
  const at = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const object = reader.object(json, path);
  if (object === undefined) return emptyResult;
  const version = object['cniVersion'] ?? fallbackVersion;
  if (!isSupported(version)) {
    reader.wrong(at('cniVersion'), `${describe(version)} is not among ${supportedVersions.join(', ')}`);
    return emptyResult;
  }
  const interfaces = each(reader, object['interfaces'], at('interfaces'), readInterface);
  return {
    interfaces,
    ips: each(reader, object['ips'], at('ips'), (reader, item, path) => readIp(reader, item, path, interfaces.length)),
    routes: readRoutes(reader, object['routes'], at('routes')),
    dns: reader.object(object['dns'], at('dns')) ?? {},
  };
}

type ReadItem<T> = (reader: FieldReader, item: JsonObject, path: string) => T;

function each<T>(reader: FieldReader, value: unknown, path: string, read: ReadItem<T>): readonly T[] {
  return reader.list(value, path).map((item, index) => {
    const object = reader.object(item, `${path}[${index}]`);
    if (object === undefined && item === null) reader.wrong(`${path}[${index}]`, 'must be an object, not null');
    return read(reader, object ?? {}, `${path}[${index}]`);
  });
}

function readInterface(reader: FieldReader, item: JsonObject, path: string): ResultInterface {
  const mac = reader.text(item['mac'], `${path}.mac`);
  const mtu = reader.count(item['mtu'], `${path}.mtu`) ?? 0;
  const sandbox = reader.text(item['sandbox'], `${path}.sandbox`);
  const pciID = reader.text(item['pciID'], `${path}.pciID`);
  return {
    name: reader.text(item['name'], `${path}.name`) ?? '',
    ...(mac === undefined ? {} : { mac }),
    ...(mtu === 0 ? {} : { mtu }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(pciID === undefined ? {} : { pciID }),
  };
}

function readIp(reader: FieldReader, item: JsonObject, path: string, interfaces: number): ResultIp {
  const address = reader.text(item['address'], `${path}.address`) ?? '';
  reader.valid(address, `${path}.address`, parseInterfaceAddress);
  const index = reader.count(item['interface'], `${path}.interface`);
  if (index !== undefined && index >= interfaces) {
    reader.wrong(`${path}.interface`, `is ${index}, but there are ${interfaces} interfaces`);
  }
  const gateway = readGateway(reader, item['gateway'], `${path}.gateway`);
  return {
    address,
    ...(gateway === undefined ? {} : { gateway }),
    ...(index === undefined ? {} : { interface: index }),
  };
}

/** Reads a list of routes, as results and `ipam.routes` of configurations have it; problems go to the reader. */
export function readRoutes(reader: FieldReader, value: unknown, path: string): readonly ResultRoute[] {
  return each(reader, value, path, readRoute);
}

const routeNumbers = ['mtu', 'advmss', 'priority', 'table', 'scope'] as const;

function readRoute(reader: FieldReader, item: JsonObject, path: string): ResultRoute {
  const dst = reader.text(item['dst'], `${path}.dst`) ?? '';
  // Not parsePrefix: Go masks set host bits away, so such routes exist in the field.
  reader.valid(dst, `${path}.dst`, parseInterfaceAddress);
  const gw = readGateway(reader, item['gw'], `${path}.gw`);
  const numbers: Partial<Record<(typeof routeNumbers)[number], number>> = {};
  for (const key of routeNumbers) {
    const number = reader.count(item[key], `${path}.${key}`);
    if (number !== undefined) numbers[key] = number;
  }
  return { dst, ...(gw === undefined ? {} : { gw }), ...numbers };
}

function readGateway(reader: FieldReader, value: unknown, path: string): string | undefined {
  const gateway = reader.text(value, path);
  return gateway !== undefined && reader.valid(gateway, path, parseAddress) ? gateway : undefined;
}

/** Prints a result in the shape of a version, ready for stdout. */
export function printResult(result: CniResult, version: CniVersion): string {
  return JSON.stringify(resultObject(result, version));
}

/**
 * A result in the shape of a version, for example as prevResult of a delegate: `ips[].version` and an always present `dns`
 * below 1.0.0; mtu, pciID and the route keys beside dst and gw from 1.1.0 on; empty lists are left out.
 */
export function resultObject(result: CniResult, version: CniVersion): Record<string, unknown> {
  const old = version.startsWith('0.');
  const newest = version === '1.1.0';
  return {
    cniVersion: version,
    ...filled('interfaces', newest ? result.interfaces : result.interfaces.map(plainInterface)),
    ...filled('ips', old ? result.ips.map(versionedIp) : result.ips),
    ...filled('routes', newest ? result.routes : result.routes.map(plainRoute)),
    ...(old || Object.keys(result.dns).length > 0 ? { dns: result.dns } : {}),
  };
}

function plainInterface({ mtu: _mtu, pciID: _pciID, ...rest }: ResultInterface): ResultInterface {
  return rest;
}

function plainRoute({ dst, gw }: ResultRoute): ResultRoute {
  return gw === undefined ? { dst } : { dst, gw };
}

function versionedIp(ip: ResultIp): ResultIp & { readonly version: '4' | '6' } {
  return { version: ip.address.includes(':') ? '6' : '4', ...ip };
}

/**
 * A chained plugin's result: what was there before comes first, unchanged, and the own addresses point behind it. The own
 * DNS settings count where there are any.
 */
export function withPrevious(previous: CniResult, own: CniResult): CniResult {
  const shift = previous.interfaces.length;
  return {
    interfaces: [...previous.interfaces, ...own.interfaces],
    ips: [
      ...previous.ips,
      ...own.ips.map((ip) => (ip.interface === undefined ? ip : { ...ip, interface: ip.interface + shift })),
    ],
    routes: [...previous.routes, ...own.routes],
    dns: Object.keys(own.dns).length > 0 ? own.dns : previous.dns,
  };
}

function filled(key: string, list: readonly unknown[]): Record<string, unknown> {
  return list.length === 0 ? {} : { [key]: list };
}
