import { parseAddress } from '../net/address.ts';
import { type Prefix, parsePrefix } from '../net/prefix.ts';
import { type Findings, parsePrefixOrAddress } from './findings.ts';
import { parseIpamMode } from './gate-ipam.ts';
import type { MultiNicNetworkSpec } from './kinds/multinicnetwork.ts';
import { messageOf } from './message-of.ts';
import type { IpamMode, PodRoute } from './network.ts';

/** How addresses are divided and routed, from either spelling. */
export interface Addressing {
  /** `spec.ipam` or `spec.addressing`: where problems are reported. */
  readonly path: string;
  readonly ipam: IpamMode;
  readonly hostBlock: number;
  readonly interfaceBlock: number;
  readonly excludes: readonly Prefix[];
  readonly vlanMode?: 'l2' | 'l3' | 'l3s';
  readonly routes: readonly PodRoute[];
  readonly sourceRouting: boolean;
}

const ipamType = 'multi-nic-ipam';
const fields = ['hostBlock', 'interfaceBlock', 'excludeCIDRs', 'vlanMode', 'routes', 'sourceRouting'];
/** Keys that the predecessor read from ipam and that mean nothing here: its daemon's address. */
const ignored = ['type', 'daemonIP', 'daemonPort'];

type Raw = Readonly<Record<string, unknown>>;

/**
 * Where others give the addresses, hosts and rails are numbered all the same (that is how a host knows what it serves), in more bits
 * than a cluster needs: there is no prefix that they would be cut off.
 */
const withoutBlocks = { hostBlock: 20, interfaceBlock: 10, excludes: [], sourceRouting: false };

/** Reads `ipam` (JSON text) or `addressing`, of which exactly one must be there; undefined when nothing can be read. */
export function parseAddressing(spec: MultiNicNetworkSpec, findings: Findings): Addressing | undefined {
  const { ipam: text, addressing } = spec;
  if (text !== undefined && addressing !== undefined) {
    return findings.add('spec.addressing', 'ipam and addressing exclude each other: remove one');
  }
  if (addressing !== undefined) {
    agreeWithFlag(spec, true, 'addressing', findings);
    return parseFields('spec.addressing', addressing, [], findings);
  }
  if (text === undefined || text === '') {
    return findings.add(
      'spec.addressing',
      'is missing: say how addresses divide, for example addressing: {interfaceBlock: 2, hostBlock: 6}, or ipam as JSON text with type multi-nic-ipam (or another IPAM plugin)',
    );
  }
  const raw = parseJson(text, findings);
  if (raw === undefined) return undefined;
  agreeWithFlag(spec, raw['type'] === ipamType, `ipam type ${JSON.stringify(raw['type'])}`, findings);
  if (raw['type'] === ipamType) return parseFields('spec.ipam', raw, ignored, findings);
  const ipam = parseIpamMode('spec.ipam', raw, findings);
  if (ipam === undefined) return undefined;
  const routes = ipam.kind === 'per-master' ? parseRoutes('spec.ipam.routes', raw['routes'], findings) : [];
  return { path: 'spec.ipam', ipam, ...withoutBlocks, routes };
}

function parseJson(text: string, findings: Findings): Raw | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return findings.add('spec.ipam', `is no JSON (${messageOf(error)})`);
  }
  return isObject(value) ? value : findings.add('spec.ipam', 'must be a JSON object');
}

function agreeWithFlag(spec: MultiNicNetworkSpec, ours: boolean, what: string, findings: Findings): void {
  if (spec.multiNICIPAM === undefined || spec.multiNICIPAM === ours) return;
  findings.add('spec.multiNICIPAM', `${spec.multiNICIPAM} contradicts ${what}: set it to ${ours} or leave it out`);
}

function parseFields(path: string, raw: Raw, alsoKnown: readonly string[], findings: Findings): Addressing {
  for (const key of Object.keys(raw)) {
    if (fields.includes(key) || alsoKnown.includes(key)) continue;
    findings.add(`${path}.${key}`, `is not supported; known are ${fields.join(', ')}`);
  }
  const vlanMode = parseVlanMode(path, raw['vlanMode'], findings);
  return {
    path,
    ipam: { kind: 'pool' },
    hostBlock: parseBits(`${path}.hostBlock`, raw['hostBlock'], findings),
    interfaceBlock: parseBits(`${path}.interfaceBlock`, raw['interfaceBlock'], findings),
    excludes: findings.prefixes(
      `${path}.excludeCIDRs`,
      parseTexts(`${path}.excludeCIDRs`, raw['excludeCIDRs'], findings),
      parsePrefixOrAddress,
    ),
    ...(vlanMode === undefined ? {} : { vlanMode }),
    routes: parseRoutes(`${path}.routes`, raw['routes'], findings),
    sourceRouting: parseFlag(`${path}.sourceRouting`, raw['sourceRouting'], findings),
  };
}

function parseBits(path: string, value: unknown, findings: Findings): number {
  if (value === undefined) return 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 31) return value;
  findings.add(path, `${JSON.stringify(value)} is no number of bits: 0 to 31`);
  return 0;
}

function parseVlanMode(path: string, value: unknown, findings: Findings): Addressing['vlanMode'] {
  if (value === undefined || value === '') return undefined;
  if (value === 'l2' || value === 'l3' || value === 'l3s') return value;
  return findings.add(`${path}.vlanMode`, `${JSON.stringify(value)} is unknown: l2, l3 or l3s`);
}

function parseFlag(path: string, value: unknown, findings: Findings): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  findings.add(path, `${JSON.stringify(value)} must be true or false`);
  return false;
}

function parseTexts(path: string, value: unknown, findings: Findings): string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  findings.add(path, 'must be a list of texts');
  return [];
}

function parseRoutes(path: string, value: unknown, findings: Findings): PodRoute[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    findings.add(path, 'must be a list of {dst, gw}');
    return [];
  }
  return value.flatMap((item: unknown, index) => {
    const route = parseRoute(`${path}[${index}]`, item, findings);
    return route === undefined ? [] : [route];
  });
}

function parseRoute(path: string, item: unknown, findings: Findings): PodRoute | undefined {
  if (!isObject(item)) return findings.add(path, 'must be {dst, gw}');
  const { dst: dstText, gw: gwText, ...rest } = item;
  for (const key of Object.keys(rest)) findings.add(`${path}.${key}`, 'is not supported; known are dst, gw');
  if (typeof dstText !== 'string') return findings.add(`${path}.dst`, 'is missing: a prefix, for example 10.20.0.0/16');
  const dst = findings.net(`${path}.dst`, () => parsePrefix(dstText));
  if (gwText === undefined || gwText === '') return dst && { dst };
  if (typeof gwText !== 'string') return findings.add(`${path}.gw`, 'must be an address as text');
  const gw = findings.net(`${path}.gw`, () => parseAddress(gwText));
  if (dst === undefined || gw === undefined) return undefined;
  if (dst.family === gw.family) return { dst, gw };
  return findings.add(`${path}.gw`, `${gwText} is not of the family of ${dstText}`);
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
