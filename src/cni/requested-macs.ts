import { NetError } from '../net/address.ts';
import { type FieldReader, type JsonObject, quote } from './fields.ts';

/**
 * Requested MACs by position of the pod's interfaces. `mac` (the annotation's, which Multus puts into runtimeConfig where the network has
 * the capability, and in any case into CNI_ARGS) is for the first one, as a plugin of one interface would have it; `args.cni.macs` is our
 * own list, in which an empty text leaves an interface its MAC.
 */
export function readMacs(reader: FieldReader, args: JsonObject, runtime: JsonObject): readonly string[] {
  const listed = reader.list(args['macs'], 'args.cni.macs').map((item, index) => {
    const path = `args.cni.macs[${index}]`;
    const text = reader.text(item, path);
    return text !== undefined && reader.valid(text, path, requireMac) ? requireMac(text) : '';
  });
  const twice = listed.find((mac, index) => mac !== '' && listed.indexOf(mac) !== index);
  if (twice !== undefined) reader.wrong('args.cni.macs', `has ${twice} twice: interfaces need MACs of their own`);
  let macs: readonly string[] = listed;
  for (const [from, key] of [
    [args, 'args.cni.mac'],
    [runtime, 'runtimeConfig.mac'],
  ] as const) {
    const text = reader.text(from['mac'], key);
    if (text === undefined || !reader.valid(text, key, requireMac)) continue;
    if (reader.valid(text, key, () => withFirst(macs, requireMac(text)))) macs = withFirst(macs, requireMac(text));
  }
  return macs;
}

/** The list with the first interface's MAC. @throws NetError when another one is asked for already */
export function withFirst(macs: readonly string[], mac: string): readonly string[] {
  const [first = '', ...others] = macs;
  if (first === '' || first === mac) return [mac, ...others];
  throw new NetError(`the pod asks for MAC ${mac} and for ${first} on one interface: ask for one`);
}

/** In lower case, with colons. @throws NetError for what no interface can have */
export function requireMac(text: string): string {
  const mac = text.toLowerCase().replaceAll('-', ':');
  if (!/^([\da-f]{2}:){5}[\da-f]{2}$/.test(mac)) {
    throw new NetError(`${quote(text)} is no MAC address: six bytes, for example 02:00:5e:10:00:01`);
  }
  if (/^.[13579bdf]/.test(mac) || mac === '00:00:00:00:00:00') {
    throw new NetError(`${mac} is no MAC address of one interface: its first byte must be even, and not all bytes 0`);
  }
  return mac;
}
