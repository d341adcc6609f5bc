import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResult } from '../../cni/result.ts';
import type { CniResult } from '../../cni/types.ts';
import { isSupported } from '../../cni/versions.ts';
import { parseOwn } from '../run/json.ts';
import type { NetworkRequest } from './annotation.ts';
import { type Config, callEnvironment, type Sandbox, takesPrevResult } from './config.ts';
import type { PodHost } from './host.ts';

/** CNI_PATH of the lab's hosts: the shim's folder, then Debian's plugins. */
export const cniPath = '/opt/cni/bin:/usr/lib/cni';

/** A plugin's refusal: `code` of the CNI error object, 0 when it printed none. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  readonly code: number;
  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

/** One network of a sandbox: what was asked for, with which configuration, and what came of it. */
export interface Attachment {
  readonly request: NetworkRequest;
  readonly config: Config;
}

/** What the host keeps of one attachment, as libcni's cache does. */
export interface Cached {
  readonly kind: 'cniCacheV1';
  readonly sandbox: Sandbox;
  readonly attachment: Attachment;
  readonly result: unknown;
}

/** What is kept of a pod's attachments, in the order of their interfaces. @param dir folder of its host on this machine */
export function cachedOf(dir: string, pod: string): Cached[] {
  const folder = join(dir, cache);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((file) => parseOwn<Cached>(readFileSync(join(folder, file), 'utf8')))
    .filter(({ sandbox }) => sandbox.pod === pod)
    .sort((a, b) => a.attachment.request.ifname.localeCompare(b.attachment.request.ifname, 'en', { numeric: true }));
}

const cache = 'var/lib/cni/results';

/** Calls ADD as libcni does and keeps its result in the host's cache. @throws PluginError */
export async function callAdd(host: PodHost, sandbox: Sandbox, attachment: Attachment): Promise<CniResult> {
  const { config } = attachment;
  const stdout = await callPlugin(host, 'ADD', sandbox, attachment, config.json);
  const json: unknown = JSON.parse(stdout);
  if (!isSupported(config.cniVersion)) throw new Error(`cniVersion ${config.cniVersion} is none that the lab reads`);
  const result = readResult(json, config.cniVersion);
  const file = cacheFile(host, sandbox, attachment);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, JSON.stringify({ kind: 'cniCacheV1', sandbox, attachment, result: json } satisfies Cached));
  return result;
}

/** Calls DEL, with the cached result from version 0.4.0 on, and forgets the result. @throws PluginError */
export async function callDel(host: PodHost, sandbox: Sandbox, attachment: Attachment): Promise<void> {
  await callPlugin(host, 'DEL', sandbox, attachment, withCached(host, sandbox, attachment));
  rmSync(cacheFile(host, sandbox, attachment), { force: true });
}

/** Calls CHECK with the cached result. @throws PluginError */
export async function callCheck(host: PodHost, sandbox: Sandbox, attachment: Attachment): Promise<void> {
  await callPlugin(host, 'CHECK', sandbox, attachment, withCached(host, sandbox, attachment));
}

/** Makes the network namespace of a sandbox, named as containerd does, with `lo` up; answers its path. */
export async function makeNetns(host: PodHost): Promise<string> {
  const name = `cni-${randomUUID()}`;
  const made = await host.exec(['sh', '-c', `ip netns add ${name} && ip -n ${name} link set lo up`]);
  if (made.code !== 0) throw new Error(`${host.name}: no network namespace for a pod: ${made.stderr.trim()}`);
  return `/var/run/netns/${name}`;
}

export async function removeNetns(host: PodHost, netns: string): Promise<void> {
  await host.exec(['ip', 'netns', 'delete', netns.slice(netns.lastIndexOf('/') + 1)]);
}

async function callPlugin(
  host: PodHost,
  command: 'ADD' | 'DEL' | 'CHECK',
  sandbox: Sandbox,
  { request, config }: Attachment,
  stdin: Readonly<Record<string, unknown>>,
): Promise<string> {
  // Absolute, as Multus resolves it on CNI_PATH; found in the first folder in every lab.
  const argv = [`/opt/cni/bin/${config.type}`];
  const env = callEnvironment(command, sandbox, request, cniPath);
  const outcome = await host.exec(argv, { env, input: JSON.stringify(stdin), timeout: 150_000 });
  if (outcome.code === 0) return outcome.stdout;
  const { code, message } = readError(outcome.stdout);
  const said = message || outcome.stderr.trim() || `status ${outcome.code}`;
  const what = `${sandbox.namespace}/${sandbox.pod} on ${host.name}`;
  throw new PluginError(`${command} of ${config.name} (${request.ifname}) for ${what}: ${said}`, code);
}

function withCached(host: PodHost, sandbox: Sandbox, attachment: Attachment): Record<string, unknown> {
  const json = { ...attachment.config.json };
  if (!takesPrevResult(attachment.config.cniVersion)) return json;
  try {
    const cached = parseOwn<Cached>(readFileSync(cacheFile(host, sandbox, attachment), 'utf8'));
    return { ...json, prevResult: cached.result };
  } catch {
    return json;
  }
}

/** libcni's file name: <network>-<container>-<interface>, seen from this machine. */
function cacheFile(host: PodHost, sandbox: Sandbox, { request, config }: Attachment): string {
  const name = `${config.name}-${sandbox.containerID}-${request.ifname}`;
  return join(host.dir, cache, name);
}

function readError(stdout: string): { code: number; message: string } {
  try {
    const { code = 0, msg = '', details = '' } = parseOwn<{ code?: number; msg?: string; details?: string }>(stdout);
    return { code, message: details === '' ? `${msg} (code ${code})` : `${msg}: ${details} (code ${code})` };
  } catch {
    return { code: 0, message: stdout.trim() };
  }
}
