import { unaryCall } from './grpc.ts';
import { fieldsOf, textOf } from './protobuf.ts';
import type { GivenDevice } from './types.ts';

/** What kubelet gave to one pod. */
export interface PodDevices {
  readonly namespace: string;
  readonly name: string;
  /** Of all its containers, in their order. */
  readonly devices: readonly GivenDevice[];
}

const listMethod = '/v1.PodResourcesLister/List';

/** ListPodResourcesRequest has no fields. */
const listRequest = new Uint8Array();

/**
 * Asks kubelet which devices all pods of this host have (PodResources API v1, `List`; `Get` is not served by all that serve it).
 * @throws Error when kubelet does not answer
 */
export async function listPodResources(socket: string, timeoutMs: number): Promise<readonly PodDevices[]> {
  return readPodResources(await unaryCall(socket, listMethod, listRequest, timeoutMs));
}

/** Reads a ListPodResourcesResponse (k8s.io/kubelet/pkg/apis/podresources/v1/api.proto). @throws RangeError, TypeError when it is none */
export function readPodResources(message: Uint8Array): readonly PodDevices[] {
  return [...fieldsOf(message)].filter(({ number }) => number === 1).map(({ bytes }) => podOf(bytes));
}

function podOf(message: Uint8Array): PodDevices {
  let name = '';
  let namespace = '';
  const devices: GivenDevice[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) name = textOf(field);
    else if (field.number === 2) namespace = textOf(field);
    else if (field.number === 3) devices.push(...containerDevices(field.bytes));
  }
  return { namespace, name, devices };
}

function containerDevices(message: Uint8Array): GivenDevice[] {
  return [...fieldsOf(message)].filter(({ number }) => number === 2).flatMap(({ bytes }) => devicesOf(bytes));
}

function devicesOf(message: Uint8Array): GivenDevice[] {
  let resource = '';
  const ids: string[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number === 1) resource = textOf(field);
    else if (field.number === 2) ids.push(textOf(field));
  }
  return ids.map((id) => ({ resource, id }));
}
