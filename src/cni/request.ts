import { NetError, parseAddress } from '../net/address.ts';
import { parseInterfaceAddress } from '../net/prefix.ts';
import type { FieldReader, JsonObject } from './fields.ts';
import { quote } from './fields.ts';
import { readMacs, requireMac, withFirst } from './requested-macs.ts';
import type { PodRequest } from './types.ts';

/**
 * What the pod asks for: `args.cni` (annotation key `cni-args`) and two of the three ways in which Multus hands over the
 * requested addresses and MAC, `args.cni` and `runtimeConfig`; the third, CNI_ARGS, is added by `withArgs`.
 */
export function readRequest(reader: FieldReader, json: JsonObject): PodRequest {
  const args = reader.object(reader.object(json['args'], 'args')?.['cni'], 'args.cni') ?? {};
  const runtime = reader.object(json['runtimeConfig'], 'runtimeConfig') ?? {};
  const nics = reader.count(args['nics'], 'args.cni.nics');
  const masters = reader.texts(args['masters'], 'args.cni.masters');
  const deviceClass = reader.text(args['class'], 'args.cni.class');
  const target = reader.text(args['target'], 'args.cni.target');
  const macs = readMacs(reader, args, runtime);
  return {
    // 0 meant "all" to the predecessor.
    ...(nics === undefined || nics === 0 ? {} : { nics }),
    ...(masters.length === 0 ? {} : { masters }),
    ...(deviceClass === undefined ? {} : { class: deviceClass }),
    ...(target === undefined ? {} : { target }),
    ips: distinct([
      ...readIps(reader, args['ips'], 'args.cni.ips'),
      ...readIps(reader, runtime['ips'], 'runtimeConfig.ips'),
    ]),
    ...(macs.length === 0 ? {} : { macs }),
  };
}

/**
 * The request with addresses and MAC of CNI_ARGS. Multus sends the same in several ways, so each address counts once, in
 * the form in which it came first.
 * @throws NetError when a text is no address, or the MAC is another than the one asked for elsewhere
 */
export function withArgs(
  request: PodRequest,
  { ips, mac }: { readonly ips: readonly string[]; readonly mac?: string },
): PodRequest {
  for (const ip of ips) addressOf(ip);
  const all = { ...request, ips: distinct([...request.ips, ...ips]) };
  return mac === undefined ? all : { ...all, macs: withFirst(request.macs ?? [], requireMac(mac)) };
}

function readIps(reader: FieldReader, value: unknown, path: string): readonly string[] {
  return reader.texts(value, path).filter((ip, index) => reader.valid(ip, `${path}[${index}]`, addressOf));
}

function distinct(ips: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return ips.filter((ip) => {
    const address = addressOf(ip);
    return !seen.has(address) && seen.add(address);
  });
}

/** What is the same in two spellings of one address. @throws NetError */
function addressOf(ip: string): string {
  try {
    const { family, value } = ip.includes('/') ? parseInterfaceAddress(ip).address : parseAddress(ip);
    return `${family}:${value}`;
  } catch (error) {
    if (error instanceof NetError) throw error;
    throw new NetError(`${quote(ip)} is not an IP address`, { cause: error });
  }
}
