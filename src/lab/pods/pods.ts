import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../../api/meta.ts';
import type { CniResult } from '../../cni/types.ts';
import type { KubeClient } from '../../kube/calls/client.ts';
import { isNotFound } from '../../kube/calls/errors.ts';
import { inNamespace, resources } from '../../kube/calls/resource.ts';
import type { LabHost } from '../hosts/hosts.ts';
import type { Outcome, RunOptions } from '../run/runner.ts';
import { type NetworkRequest, networksAnnotation, parseNetworks, statusAnnotation } from './annotation.ts';
import { type Attachment, callAdd, callDel, makeNetns, removeNetns } from './attach.ts';
import { attachmentConfig, type Sandbox } from './config.ts';
import type { PodHost } from './host.ts';
import { networkStatus } from './status.ts';

const podsIn = (namespace: string) => inNamespace(resources.pods, namespace);

export type Pod = KubeObject<{ nodeName?: string }>;

/** A pod that runs: a sandbox with its networks attached. */
export interface LabPod<Host extends PodHost = LabHost> {
  readonly name: string;
  readonly namespace: string;
  readonly host: Host;
  readonly sandbox: Sandbox;
  readonly attachments: readonly (Attachment & { readonly result: CniResult })[];
  /** Runs a command in the pod's network namespace. */
  exec(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
}

/** All that is read from the API for one pod before its sandbox is made; with it, ADD and DEL need the API no more. */
export interface PreparedPod<Host extends PodHost = LabHost> {
  readonly pod: Pod;
  readonly host: Host;
  readonly sandbox: Sandbox;
  readonly attachments: readonly Attachment[];
}

/** Reads what Multus reads: the pod's annotation and the definitions that it names; makes the sandbox's namespace. */
export async function preparePod<Host extends PodHost>(
  client: KubeClient,
  host: Host,
  pod: Pod,
): Promise<PreparedPod<Host>> {
  const { name, namespace = 'default', uid = '' } = pod.metadata;
  const requests = parseNetworks(pod.metadata.annotations?.[networksAnnotation] ?? '', namespace);
  const attachments = await Promise.all(requests.map((request) => readDefinition(client, request)));
  const containerID = randomBytes(32).toString('hex');
  const netns = await makeNetns(host);
  return { pod, host, sandbox: { namespace, pod: name, uid, containerID, netns }, attachments };
}

/**
 * ADD of each network, one after the other. When one fails, DEL from it back to the first, and the sandbox is removed.
 * @throws PluginError of the first that failed
 */
export async function attachPod<Host extends PodHost>(prepared: PreparedPod<Host>): Promise<LabPod<Host>> {
  const { host, sandbox } = prepared;
  const attached: (Attachment & { result: CniResult })[] = [];
  for (const [index, attachment] of prepared.attachments.entries()) {
    try {
      attached.push({ ...attachment, result: await callAdd(host, sandbox, attachment) });
    } catch (error) {
      await detach(host, sandbox, prepared.attachments.slice(0, index + 1)).catch(() => undefined);
      await removeNetns(host, sandbox.netns);
      throw error;
    }
  }
  const inNetns = ['ip', 'netns', 'exec', sandbox.netns.slice(sandbox.netns.lastIndexOf('/') + 1)];
  return {
    name: sandbox.pod,
    namespace: sandbox.namespace,
    host,
    sandbox,
    attachments: attached,
    exec: (argv, options) => host.exec([...inNetns, ...argv], options),
  };
}

/** DEL of each network, last first; then the sandbox goes. @throws Error with all that failed */
export async function detachPod(
  pod: Pick<LabPod<PodHost>, 'host' | 'sandbox'> & { readonly attachments: readonly Attachment[] },
): Promise<void> {
  await detach(pod.host, pod.sandbox, pod.attachments);
  await removeNetns(pod.host, pod.sandbox.netns);
}

/** Writes network-status, as Multus does when all is attached, and the phase, as the kubelet does. */
export async function reportPod(client: KubeClient, pod: LabPod<PodHost>): Promise<void> {
  const entries = pod.attachments.flatMap(({ request, result }) =>
    networkStatus(`${request.namespace}/${request.name}`, result),
  );
  const annotations = { [statusAnnotation]: JSON.stringify(entries, undefined, 2) };
  const status = { phase: 'Running', containerStatuses: [{ name: 'sleep', ready: true, restartCount: 0 }] };
  const body = { metadata: { annotations }, status };
  await client.patch(podsIn(pod.namespace), pod.name, 'merge', body, { subresource: 'status' });
}

/** The last step of a kubelet: the object goes for good. */
export async function forgetPod(client: KubeClient, namespace: string, name: string): Promise<void> {
  await client.delete(podsIn(namespace), name, { gracePeriodSeconds: 0 });
}

export async function readPod(client: KubeClient, namespace: string, name: string): Promise<Pod> {
  return client.get<Pod>(podsIn(namespace), name);
}

/** A pod object for a node, asking for networks (the annotation's text). */
export function podObject(name: string, namespace: string, node: string, networks: string): Pod {
  const container = { name: 'sleep', image: 'registry.k8s.io/pause:3.10' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, annotations: { [networksAnnotation]: networks } },
    spec: { nodeName: node, containers: [container] } as { nodeName: string },
  };
}

async function detach(host: PodHost, sandbox: Sandbox, attachments: readonly Attachment[]): Promise<void> {
  const failed: unknown[] = [];
  for (const attachment of attachments.toReversed()) {
    await callDel(host, sandbox, attachment).catch((error: unknown) => failed.push(error));
  }
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1) throw new AggregateError(failed, failed.map(String).join('; '));
}

async function readDefinition(client: KubeClient, request: NetworkRequest): Promise<Attachment> {
  const ref = inNamespace(resources.networkAttachmentDefinitions, request.namespace);
  try {
    const nad = await client.get<KubeObject<{ config?: string }>>(ref, request.name);
    return { request, config: attachmentConfig(nad.spec?.config ?? '', request) };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new Error(
      `there is no NetworkAttachmentDefinition ${request.namespace}/${request.name}: is a MultiNicNetwork of that name Ready, and is the namespace in its list?`,
      { cause: error },
    );
  }
}
