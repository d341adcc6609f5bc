import { setTimeout as sleep } from 'node:timers/promises';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import type { KubeClient } from '../../../src/kube/calls/client.ts';
import { ApiError, isNotFound } from '../../../src/kube/calls/errors.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { type ResourceRef, resources } from '../../../src/kube/calls/resource.ts';
import type { Dice } from '../../support/faults/random.ts';
import { type Hosts, nic } from '../../support/operator/hosts.ts';

/** Networks that are edited, never deleted; and networks that come and go. */
export const networks = { staying: ['stays-a', 'stays-b'], passing: ['comes-a', 'comes-b'] } as const;
/** Hosts whose Nodes stay. */
export const stayingHosts = ['host-a', 'host-b', 'host-c', 'host-d'] as const;

/** Of macvlan: ipvlan's mode is the NIC's, so that networks of two modes would exclude each other there. */
export function network(name: string, mode: string): MultiNicNetwork {
  const octet = 10 + [...networks.staying, ...networks.passing].findIndex((one) => one === name);
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name },
    spec: {
      subnet: `192.${octet}.0.0/16`,
      addressing: { hostBlock: 6, interfaceBlock: 2 },
      plugin: { cniVersion: '1.0.0', type: 'macvlan', args: { mode } },
    },
  };
}

export async function find<T extends { metadata: { name: string } }>(
  client: KubeClient,
  ref: ResourceRef,
  name: string,
): Promise<T | undefined> {
  try {
    return trusted<T>(await client.get(ref, name));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * People and machines go on: networks come, change and go; hosts join, get another NIC and leave; namespaces come and go. Until the
 * signal is aborted; tells of each change.
 */
export async function churn(
  client: KubeClient,
  hosts: Hosts,
  dice: Dice,
  until: AbortSignal,
  changed: () => void,
): Promise<void> {
  let made = 0;
  const guests: string[] = [];
  const spaces: string[] = [];

  const acts = [
    async function passNetwork(): Promise<void> {
      const name = dice.pick(networks.passing);
      const stored = await find<MultiNicNetwork>(client, resources.multiNicNetworks, name);
      if (stored === undefined) await client.create(resources.multiNicNetworks, network(name, 'bridge'));
      else if (stored.metadata.deletionTimestamp === undefined) await client.delete(resources.multiNicNetworks, name);
    },
    async function editNetwork(): Promise<void> {
      const name = dice.pick(networks.staying);
      const { spec } = network(name, dice.pick(['bridge', 'private']));
      await client.patch(resources.multiNicNetworks, name, 'merge', { spec: { plugin: spec?.plugin } });
    },
    async function joinOrLeave(): Promise<void> {
      if (guests.length < 4 && dice.chance(0.6)) {
        made += 1;
        await hosts.join(`guest-${made}`, [1, 2]);
        guests.push(`guest-${made}`);
      } else {
        const name = guests.shift();
        if (name !== undefined) await client.delete(resources.nodes, name);
      }
    },
    async function addNic(): Promise<void> {
      const name = dice.pick([...stayingHosts, ...guests] as [string, ...string[]]);
      const host = await find<HostInterface>(client, resources.hostInterfaces, name);
      const nics = host?.spec?.interfaces ?? [];
      const last = nics.at(-1);
      if (last === undefined || nics.length > 3) return;
      const number = Number(last.hostIP?.split('.').at(-1));
      const interfaces = [...nics, nic(nics.length + 1, number)];
      await client.patch(resources.hostInterfaces, name, 'merge', { spec: { interfaces } });
    },
    async function passNamespace(): Promise<void> {
      if (spaces.length < 2) {
        made += 1;
        await client.create(resources.namespaces, {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: `space-${made}` },
        });
        spaces.push(`space-${made}`);
      } else await client.delete(resources.namespaces, spaces.shift() ?? '');
    },
  ] as const;

  while (!until.aborted) {
    await sleep(dice.between(100, 400));
    try {
      await dice.pick(acts)();
      changed();
    } catch (error) {
      // A server that has no time right now: people try something again later.
      if (!isBusy(error)) throw error;
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof ApiError && (error.code === 0 || error.code === 429 || error.code >= 500);
}
