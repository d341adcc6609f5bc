import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../../../src/api/meta.ts';
import { inNamespace, resources } from '../../../src/kube/calls/resource.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import type { NetworkRequest } from '../../../src/lab/pods/annotation.ts';
import { cniPath, makeNetns, removeNetns } from '../../../src/lab/pods/attach.ts';
import { attachmentConfig, callEnvironment, type Sandbox } from '../../../src/lab/pods/config.ts';

/** What the shim printed and how it ended. */
export interface Answer {
  readonly exit: number;
  readonly stdout: string;
  /** Of the CNI error object. */
  readonly code: number;
  readonly msg: string;
}

export interface ShimCall {
  readonly verb?: 'ADD' | 'DEL' | 'CHECK';
  /** stdin: an object is written as JSON. */
  readonly config: Readonly<Record<string, unknown>> | string;
  readonly ifname?: string;
  readonly ips?: readonly string[];
  readonly path?: string;
}

/** A sandbox of no pod object, for calls of the built shim by hand. */
export interface Bench {
  readonly host: LabHost;
  readonly sandbox: Sandbox;
  call(call: ShimCall): Promise<Answer>;
  remove(): Promise<void>;
}

export async function createBench(host: LabHost): Promise<Bench> {
  const containerID = randomBytes(16).toString('hex');
  const netns = await makeNetns(host);
  const sandbox = { namespace: 'default', pod: 'by-hand', uid: containerID, containerID, netns };
  return {
    host,
    sandbox,
    async call({ verb = 'ADD', config, ifname = 'net1', ips = [], path = cniPath }) {
      const request: NetworkRequest = { namespace: 'default', name: 'by-hand', ifname, ips };
      const env = callEnvironment(verb, sandbox, request, path);
      const input = typeof config === 'string' ? config : JSON.stringify(config);
      const { code: exit, stdout } = await host.exec(['/opt/cni/bin/multi-nic'], { env, input, timeout: 150_000 });
      const error = exit === 0 ? { code: 0, msg: '' } : readError(stdout);
      return { exit, stdout, ...error };
    },
    remove: () => removeNetns(host, netns),
  };
}

/** What Multus would write to the shim's stdin for a pod that asks for the network with these `cni-args`. */
export async function configOf(
  lab: Lab,
  name: string,
  cniArgs?: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const ref = inNamespace(resources.networkAttachmentDefinitions, 'default');
  const nad = await lab.api.client.get<KubeObject<{ config?: string }>>(ref, name);
  const request = { namespace: 'default', name, ifname: 'net1', ips: [], ...(cniArgs && { cniArgs }) };
  return attachmentConfig(nad.spec?.config ?? '', request).json;
}

function readError(stdout: string): { code: number; msg: string } {
  const json: unknown = JSON.parse(stdout);
  if (typeof json !== 'object' || json === null || !('code' in json) || !('msg' in json)) throw new Error(stdout);
  return { code: Number(json.code), msg: String(json.msg) };
}
