import type { MultiNicNetwork, MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import type { Condition } from '../../../src/api/meta.ts';
import { isNotFound } from '../../../src/kube/calls/errors.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { Lab } from '../../../src/lab/lab.ts';

export interface NetworkWish {
  readonly subnets: readonly string[];
  readonly interfaceBlock: number;
  readonly hostBlock: number;
  readonly type?: 'macvlan' | 'ipvlan' | 'host-device';
  readonly mode?: string;
  readonly masterNets?: readonly string[];
  readonly excludeCIDRs?: readonly string[];
  readonly namespaces?: readonly string[];
  readonly cniVersion?: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  /** The addressing as the predecessor's JSON text, which a real API server takes whatever it says. */
  readonly asJson?: boolean;
}

/** The manifest of a network; macvlan bridge unless told, which every kernel of the lab has. */
export function manifest(name: string, wish: NetworkWish): MultiNicNetwork {
  const { subnets, interfaceBlock, hostBlock, type = 'macvlan', mode = 'bridge', masterNets, excludeCIDRs } = wish;
  const addressing = { interfaceBlock, hostBlock, ...(excludeCIDRs && { excludeCIDRs: [...excludeCIDRs] }) };
  const spec: MultiNicNetworkSpec = {
    subnets: [...subnets],
    ...(wish.asJson ? { ipam: JSON.stringify({ type: 'multi-nic-ipam', ...addressing }) } : { addressing }),
    plugin: {
      cniVersion: wish.cniVersion ?? '1.0.0',
      type,
      ...(type === 'host-device' ? {} : { args: { mode } }),
      ...(wish.capabilities && { capabilities: { ...wish.capabilities } }),
    },
    ...(masterNets && { masterNets: [...masterNets] }),
    ...(wish.namespaces && { namespaces: [...wish.namespaces] }),
  };
  return { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', metadata: { name }, spec };
}

/** `kubectl apply` of the manifest. */
export async function apply(lab: Lab, name: string, wish: NetworkWish): Promise<void> {
  await lab.api.kubectl(['apply', '-f', '-'], JSON.stringify(manifest(name, wish)));
}

/** Applies and waits as a person would. @throws Error with all conditions when it does not get Ready */
export async function applyReady(lab: Lab, name: string, wish: NetworkWish): Promise<void> {
  await apply(lab, name, wish);
  await waitReady(lab, name);
}

export async function waitReady(lab: Lab, name: string): Promise<void> {
  await waitCondition(lab, name, 'Ready', ({ status }) => status === 'True');
}

/** Waits for a condition of the network's present generation. @throws Error with all conditions after two minutes */
export async function waitCondition(
  lab: Lab,
  name: string,
  type: string,
  holds: (condition: Condition) => boolean,
): Promise<Condition> {
  let seen = 'it has no conditions';
  return until(
    `condition ${type} of network ${name}`,
    async () => {
      const object = await network(lab, name);
      const conditions = object?.status?.conditions ?? [];
      seen = JSON.stringify(conditions, undefined, 1);
      const found = conditions.find((condition) => condition.type === type);
      const current = found?.observedGeneration === object?.metadata.generation;
      return found !== undefined && current && holds(found) ? found : undefined;
    },
    () => `: ${seen}`,
  );
}

/** Undefined when there is none. */
export async function network(lab: Lab, name: string): Promise<MultiNicNetwork | undefined> {
  return lab.api.client.get<MultiNicNetwork>(resources.multiNicNetworks, name).catch(whenThere);
}

/** `kubectl delete`, which waits until it is gone. */
export async function deleteNetwork(lab: Lab, name: string): Promise<void> {
  await lab.api.kubectl(['delete', 'multinicnetwork', name, '--timeout=180s']);
}

function whenThere(error: unknown): undefined {
  if (!isNotFound(error)) throw error;
}
