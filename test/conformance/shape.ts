import { isIP } from 'node:net';
import { isObject } from '../../src/cni/fields.ts';
import type { CniVersion } from '../../src/cni/types.ts';
import { isOlder } from '../../src/cni/versions.ts';
import { items } from './answers.ts';
import type { Json } from './subject.ts';

const interfaceKeys = ['name', 'mac', 'sandbox'];
const newInterfaceKeys = ['mtu', 'socketPath', 'pciID'];
const routeKeys = ['dst', 'gw'];
const newRouteKeys = ['mtu', 'advmss', 'priority', 'table', 'scope'];

/** What of a result of ADD is not in the form of its version (CNI specification, "Success"); empty when all is. */
export function shapeProblems(result: Json, version: CniVersion): string[] {
  const newest = version === '1.1.0';
  const interfaces = items(result, 'interfaces');
  const keysOf = (usual: string[], more: string[]) => (newest ? [...usual, ...more] : usual);
  return [
    ...(result['cniVersion'] === version ? [] : [`cniVersion is ${JSON.stringify(result['cniVersion'])}`]),
    ...unknownKeys(result, ['cniVersion', 'interfaces', 'ips', 'routes', 'dns'], 'result'),
    ...['interfaces', 'ips', 'routes'].flatMap((key) => listProblems(result[key], key)),
    ...interfaces.flatMap((entry, index) => interfaceProblems(entry, `interfaces[${index}]`)),
    ...interfaces.flatMap((entry, index) =>
      unknownKeys(entry, keysOf(interfaceKeys, newInterfaceKeys), `interfaces[${index}]`),
    ),
    ...items(result, 'ips').flatMap((entry, index) => ipProblems(entry, `ips[${index}]`, version, interfaces.length)),
    ...items(result, 'routes').flatMap((entry, index) =>
      unknownKeys(entry, keysOf(routeKeys, newRouteKeys), `routes[${index}]`),
    ),
    ...(result['dns'] === undefined || isObject(result['dns']) ? [] : ['dns is no object']),
  ];
}

function listProblems(value: unknown, key: string): string[] {
  if (value === undefined || (Array.isArray(value) && value.every(isObject))) return [];
  return [`${key} is no list of objects`];
}

function interfaceProblems(entry: Json, path: string): string[] {
  const { name, mac, sandbox, mtu } = entry;
  return [
    ...(typeof name === 'string' && name !== '' ? [] : [`${path}.name is missing`]),
    ...(mac === undefined || (typeof mac === 'string' && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac))
      ? []
      : [`${path}.mac is ${JSON.stringify(mac)}`]),
    ...(sandbox === undefined || typeof sandbox === 'string' ? [] : [`${path}.sandbox is no text`]),
    ...(mtu === undefined || typeof mtu === 'number' ? [] : [`${path}.mtu is no number`]),
  ];
}

function ipProblems(entry: Json, path: string, version: CniVersion, interfaces: number): string[] {
  const { address, gateway, interface: index, version: family } = entry;
  const [ip = '', length = ''] = String(address).split('/');
  const wanted = isOlder(version, '1.0.0') ? String(isIP(ip)) : undefined;
  const inRange = typeof index === 'number' && Number.isInteger(index) && index >= 0 && index < interfaces;
  return [
    ...unknownKeys(entry, ['version', 'address', 'gateway', 'interface'], path),
    ...(isIP(ip) !== 0 && /^\d{1,3}$/.test(length) ? [] : [`${path}.address is ${JSON.stringify(address)}`]),
    ...(gateway === undefined || (typeof gateway === 'string' && isIP(gateway) !== 0)
      ? []
      : [`${path}.gateway is ${JSON.stringify(gateway)}`]),
    ...(index === undefined || inRange ? [] : [`${path}.interface is ${JSON.stringify(index)}`]),
    ...(family === wanted ? [] : [`${path}.version is ${JSON.stringify(family)} where ${wanted ?? 'none'} is due`]),
  ];
}

function unknownKeys(entry: Json, known: readonly string[], path: string): string[] {
  return Object.keys(entry)
    .filter((key) => !known.includes(key))
    .map((key) => `${path}.${key} is not of this version`);
}
