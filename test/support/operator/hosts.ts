import type { ClaimStatus, HostInterface, NicStatus, PublishedNetwork } from '../../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../../src/api/kinds/ippool.ts';
import { apiVersion } from '../../../src/api/schema.ts';
import { isNotFound } from '../../../src/kube/calls/errors.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { startReflector } from '../../../src/kube/copy/reflector.ts';
import { silent } from '../../../src/kube/logger.ts';
import { equal } from '../../../src/operator/equal.ts';
import type { World } from './world.ts';

/** What daemons do at the API, and nothing of what they do on machines: HostInterfaces with NICs and claims, and IPPools. */
export interface Hosts {
  /** Makes the Node and the HostInterface of a host with a NIC `eth<k>` at 10.1.<k>.<number> of each rail k. */
  join(name: string, rails: readonly number[], more?: readonly NicStatus[]): Promise<void>;
  /** That many pods hold an address of the network on each of the host's blocks. */
  attach(name: string, network: string, count: number): Promise<void>;
  /** The daemon of the host says nothing any more. */
  silence(name: string): void;
  /** It speaks again. */
  wake(name: string): Promise<void>;
  stop(): Promise<void>;
}

export function nic(rail: number, host: number, more: Partial<NicStatus> = {}): NicStatus {
  const hex = (n: number): string => n.toString(16).padStart(2, '0');
  return {
    interfaceName: `eth${rail}`,
    netAddress: `10.1.${rail}.0/24`,
    netAddresses: [`10.1.${rail}.0/24`],
    hostIP: `10.1.${rail}.${host}`,
    hostIPs: [`10.1.${rail}.${host}`],
    mac: `02:00:00:00:${hex(rail)}:${hex(host)}`,
    mtu: 1500,
    up: true,
    ...more,
  };
}

export function startHosts(world: Pick<World, 'client' | 'host' | 'pools' | 'addNode'>): Hosts {
  const stop = new AbortController();
  const mute = new Set<string>();
  const attached = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  let count = 0;

  const reflector = startReflector<HostInterface>({
    client: world.client,
    ref: resources.hostInterfaces,
    signal: stop.signal,
    logger: silent,
    project: (object) => trusted<HostInterface>(object),
  });
  reflector.onChange(({ key, new: now }) => {
    if (now !== undefined) void follow(key);
  });

  /** One after another for each host; an API that is away is tried again. */
  function follow(name: string): Promise<void> {
    const next = (running.get(name) ?? Promise.resolve()).then(async () => {
      while (!stop.signal.aborted && !mute.has(name)) {
        try {
          return await sync(name);
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
    });
    running.set(name, next);
    return next;
  }

  async function sync(name: string): Promise<void> {
    const host = await world.host(name);
    if (host === undefined) return;
    const entries = host.status?.networks ?? [];
    for (const entry of entries) await writePools(name, entry);
    const uids = new Set(entries.map((entry) => entry.uid));
    for (const pool of await world.pools()) {
      if (pool.spec?.hostName !== name || uids.has(pool.spec.networkUID ?? '')) continue;
      await world.client.delete(resources.ipPools, pool.metadata.name);
    }
    const networks = entries.map((entry) => claimOf(name, entry));
    if (equal(host.spec?.networks ?? [], networks)) return;
    await world.client.replace(resources.hostInterfaces, { ...host, spec: { ...host.spec, networks } });
  }

  function claimOf(name: string, entry: PublishedNetwork): ClaimStatus {
    const held = attached.get(`${name}/${entry.name}`) ?? 0;
    return {
      name: entry.name,
      uid: entry.uid,
      hostIndex: entry.hostIndex,
      revision: entry.revision,
      acknowledged: entry.draining !== true ? 'Serving' : held > 0 ? 'Stopped' : 'Empty',
      interfaces: entry.blocks.map(({ interfaceIndex, netAddresses }) => ({
        interfaceIndex,
        netAddresses,
        ordinal: 0,
      })),
    };
  }

  async function writePools(name: string, entry: PublishedNetwork): Promise<void> {
    const held = attached.get(`${name}/${entry.name}`) ?? 0;
    for (const block of entry.blocks) {
      const [podCIDR = ''] = block.podCIDRs;
      const pool: IPPool = {
        apiVersion,
        kind: 'IPPool',
        metadata: { name: `${entry.name}-${podCIDR.replace('/', '-')}` },
        spec: {
          podCIDR,
          netAttachDef: entry.name,
          networkUID: entry.uid,
          hostName: name,
          interfaceName: block.interfaceName,
          interfaceIndex: block.interfaceIndex,
        },
      };
      const status = {
        allocated: held,
        allocations: Array.from({ length: held }, (_, i) => ({
          address: `${podCIDR}#${i}`,
          containerID: `${name}-pod-${i}`,
          ifname: 'net1',
        })),
      };
      const stored = await world.client.get<IPPool>(resources.ipPools, pool.metadata.name).catch((error: unknown) => {
        if (isNotFound(error)) return world.client.create(resources.ipPools, pool);
        throw error;
      });
      if (!equal(stored.status, status)) await world.client.replaceStatus(resources.ipPools, { ...stored, status });
    }
  }

  return {
    join: async (name, rails, more = []) => {
      count += 1;
      const number = count;
      await world.addNode(name);
      await world.client.create(resources.hostInterfaces, {
        apiVersion,
        kind: 'HostInterface',
        metadata: { name },
        spec: { hostName: name, interfaces: [...rails.map((rail) => nic(rail, number)), ...more] },
      });
    },
    attach: async (name, network, pods) => {
      attached.set(`${name}/${network}`, pods);
      await follow(name);
    },
    silence: (name) => mute.add(name),
    wake: async (name) => {
      mute.delete(name);
      await follow(name);
    },
    stop: async () => {
      stop.abort();
      await reflector.ended;
      await Promise.all(running.values());
    },
  };
}
