import type { NetworkRequest } from './annotation.ts';

/** A network configuration, ready to be written to a plugin's stdin. */
export interface Config {
  readonly cniVersion: string;
  readonly name: string;
  readonly type: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** What identifies one sandbox of a pod to CNI. */
export interface Sandbox {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly containerID: string;
  /** As runtimes name it: /var/run/netns/cni-<uuid>. */
  readonly netns: string;
}

/**
 * The configuration for one attachment, as Multus makes it of the NetworkAttachmentDefinition's text: the name is put in
 * when missing, cni-args are merged into args.cni, and runtimeConfig holds what declared capabilities ask for.
 * @throws Error naming the definition
 */
export function attachmentConfig(text: string, request: NetworkRequest): Config {
  const what = `NetworkAttachmentDefinition ${request.namespace}/${request.name}`;
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) throw new Error(`${what}: spec.config is no object`);
  if ('plugins' in parsed) throw new Error(`${what}: a list of plugins, which the lab does not attach`);
  const json: Record<string, unknown> = { ...parsed };
  json['name'] ??= request.name;
  if (request.cniArgs !== undefined) {
    const args = isRecord(json['args']) ? json['args'] : {};
    json['args'] = { ...args, cni: { ...(isRecord(args['cni']) ? args['cni'] : {}), ...request.cniArgs } };
  }
  const runtime = runtimeConfig(json['capabilities'], request);
  if (Object.keys(runtime).length > 0) json['runtimeConfig'] = runtime;
  const { cniVersion = '0.1.0', name, type } = json;
  if (typeof cniVersion !== 'string' || typeof name !== 'string' || typeof type !== 'string') {
    throw new Error(`${what}: cniVersion, name and type must be texts`);
  }
  return { cniVersion, name, type, json };
}

/** Variables of one call. `path` is CNI_PATH. */
export function callEnvironment(
  command: 'ADD' | 'DEL' | 'CHECK',
  sandbox: Sandbox,
  request: NetworkRequest,
  path: string,
): Record<string, string> {
  const args = [
    'IgnoreUnknown=true',
    `K8S_POD_NAMESPACE=${sandbox.namespace}`,
    `K8S_POD_NAME=${sandbox.pod}`,
    `K8S_POD_INFRA_CONTAINER_ID=${sandbox.containerID}`,
    `K8S_POD_UID=${sandbox.uid}`,
    ...(request.mac === undefined ? [] : [`MAC=${request.mac}`]),
    ...(request.ips.length === 0 ? [] : [`IP=${request.ips.join(',')}`]),
  ];
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: sandbox.containerID,
    CNI_NETNS: sandbox.netns,
    CNI_IFNAME: request.ifname,
    CNI_ARGS: args.join(';'),
    CNI_PATH: path,
  };
}

/** Whether libcni gives DEL the result of ADD: from 0.4.0. */
export function takesPrevResult(cniVersion: string): boolean {
  const [major = 0, minor = 0] = cniVersion.split('.').map(Number);
  return major > 0 || minor >= 4;
}

function runtimeConfig(capabilities: unknown, request: NetworkRequest): Record<string, unknown> {
  const declared = isRecord(capabilities) ? capabilities : {};
  return {
    ...(declared['ips'] === true && request.ips.length > 0 && { ips: request.ips }),
    ...(declared['mac'] === true && request.mac !== undefined && { mac: request.mac }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
