/** The annotation in which a pod asks for networks, and the one in which Multus answers. */
export const networksAnnotation = 'k8s.v1.cni.cncf.io/networks';
export const statusAnnotation = 'k8s.v1.cni.cncf.io/network-status';

/** One network that a pod asks for. */
export interface NetworkRequest {
  readonly namespace: string;
  readonly name: string;
  /** CNI_IFNAME: as asked for, else net1, net2 … by position. */
  readonly ifname: string;
  readonly ips: readonly string[];
  readonly mac?: string;
  /** `cni-args`, which become args.cni. */
  readonly cniArgs?: Readonly<Record<string, unknown>>;
}

interface Element {
  name?: unknown;
  namespace?: unknown;
  interface?: unknown;
  ips?: unknown;
  mac?: unknown;
  'cni-args'?: unknown;
}

/**
 * Reads the annotation as Multus does: a JSON list, or `[namespace/]name[@interface]` separated by commas.
 * @throws Error quoting what is wrong
 */
export function parseNetworks(text: string, podNamespace: string): NetworkRequest[] {
  const trimmed = text.trim();
  const elements = trimmed.startsWith('[') ? parseList(trimmed) : trimmed.split(',').map(parseWord);
  return elements.map((element, index) => toRequest(element, podNamespace, `net${index + 1}`));
}

function parseList(text: string): Element[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new Error(`${networksAnnotation} is no list: ${text}`);
  return list.map((element: unknown) => {
    if (typeof element === 'object' && element !== null) return element;
    throw new Error(`${networksAnnotation}: ${JSON.stringify(element)} is no object`);
  });
}

function parseWord(word: string): Element {
  const match = /^(?:([^/@]+)\/)?([^/@]+)(?:@(.+))?$/.exec(word.trim());
  if (match === null) throw new Error(`${networksAnnotation}: "${word}" is not [namespace/]name[@interface]`);
  const [, namespace, name, ifname] = match;
  return { name, ...(namespace !== undefined && { namespace }), ...(ifname !== undefined && { interface: ifname }) };
}

function toRequest(element: Element, podNamespace: string, defaultIfname: string): NetworkRequest {
  const { name, namespace = podNamespace, interface: ifname = defaultIfname, ips = [], mac } = element;
  if (typeof name !== 'string' || !isName(name)) throw wrong('name', name);
  if (typeof namespace !== 'string' || !isName(namespace)) throw wrong('namespace', namespace);
  if (typeof ifname !== 'string' || !/^[^\s/]{1,15}$/.test(ifname)) throw wrong('interface', ifname);
  if (!isTexts(ips)) throw wrong('ips', ips);
  if (mac !== undefined && typeof mac !== 'string') throw wrong('mac', mac);
  const cniArgs = element['cni-args'];
  if (cniArgs !== undefined && !isRecord(cniArgs)) throw wrong('cni-args', cniArgs);
  return { namespace, name, ifname, ips, ...(mac !== undefined && { mac }), ...(cniArgs !== undefined && { cniArgs }) };
}

function isName(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(key: string, value: unknown): Error {
  return new Error(`${networksAnnotation}: ${key} cannot be ${JSON.stringify(value)}`);
}
