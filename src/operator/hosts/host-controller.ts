import type { HostInterface } from '../../api/kinds/hostinterface.ts';
import { apiVersion } from '../../api/schema.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Again } from '../../kube/reconcile/controller.ts';
import type { Context } from '../context.ts';
import { composeNetworks } from '../decide/desired.ts';
import { equal } from '../equal.ts';
import { getLive } from '../gone.ts';
import { eachOf, putStatus, remove } from '../writes.ts';

/** With this label a person owns the object, its lifetime included. */
const unmanagedLabel = 'multi-nic-unmanaged';

const lookAgainMs = 1_000;

/**
 * One host: its HostInterface.status says what the network controller has decided (one write for all networks), and the object goes
 * when its Node is gone and no ledger and no pool holds anything for it.
 */
export async function reconcileHost(context: Context, name: string, signal: AbortSignal): Promise<Again | undefined> {
  const { caches, desired, client } = context;
  await context.goneNodes.check([name]);
  const host = caches.hosts.get(name);
  if (host === undefined) return undefined;
  if (isDone(context, host)) {
    // Asked again: the Node may have come back while its index was being released.
    if ((await getLive(client, resources.nodes, name)) !== undefined) return { after: lookAgainMs };
    await eachOf(caches.poolsOn.of(name), context.width, async (pool) => {
      await client.delete(resources.ipPools, pool.name, { signal });
    });
    await remove({ client, ref: resources.hostInterfaces, cache: caches.hosts }, host, signal);
    context.logger.info({ host: name }, 'the Node is gone and nothing is held: HostInterface deleted');
    return undefined;
  }
  const existing = host.status?.networks ?? [];
  const networks = composeNetworks(name, existing, desired);
  if (equal(networks, existing)) return undefined;
  const next: HostInterface = {
    ...host,
    apiVersion,
    kind: 'HostInterface',
    status: { ...host.status, networks },
  };
  await putStatus({ client, ref: resources.hostInterfaces, cache: caches.hosts }, next, signal);
  return undefined;
}

/** Nobody comes back for it. */
function isDone({ caches, desired, goneNodes }: Context, host: HostInterface): boolean {
  const { name, labels } = host.metadata;
  if (!goneNodes.has(name) || labels?.[unmanagedLabel] === 'true') return false;
  if (caches.slicesWith.has(name)) return false;
  if (desired.networks().some((network) => desired.of(network)?.has(name) === true)) return false;
  return caches.poolsOn.of(name).every((pool) => pool.allocated === 0);
}
