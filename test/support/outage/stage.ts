import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { silent } from '../../../src/kube/logger.ts';
import { layWire, type Wire } from '../../e2e/control-plane/wire.ts';
import { createNamespaces } from '../netns.ts';
import { nic } from '../operator/hosts.ts';
import { startWorld, type World } from '../operator/world.ts';
import { type ApiSide, createApiSide } from './daemon.ts';
import { createHours, type Hours } from './hours.ts';

/**
 * An operator and the daemon of host-a (NICs eth1 and eth2 at 10.1.1.1 and 10.1.2.1), behind a line to an API server that can be cut, in
 * hours that pass in seconds.
 */
export interface Stage {
  readonly world: World;
  readonly line: Wire;
  readonly hours: Hours;
  readonly daemon: ApiSide;
  /** What the two logged as errors. */
  readonly errors: readonly string[];
  /** Requests that the server keeps waiting on purpose. */
  held: number;
  startOperator(): void;
  /** A Node and its HostInterface with NICs at 10.1.1.<number> and 10.1.2.<number>, whose daemon says nothing. */
  joinSilent(name: string, number: number): Promise<void>;
  /** Lets a network with that spec be made, until it is ready and all is said about it. */
  applyReady(name: string, spec: MultiNicNetworkSpec): Promise<void>;
  /** Gives host-a another NIC of that rail. */
  addNic(rail: number): void;
  close(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const namespaces = createNamespaces();
  const [host, fabric] = [namespaces.add(), namespaces.add()];
  const errors: string[] = [];
  const addNic = (rail: number): void => {
    const name = `eth${rail}`;
    namespaces.veth(host, name, fabric, `port${rail}`);
    // No IPv6 addresses that come late, in the kernel's own time.
    namespaces.ip(host, 'link', 'set', name, 'addrgenmode', 'none');
    namespaces.ip(host, '-6', 'address', 'flush', 'dev', name);
    namespaces.ip(host, 'address', 'add', `10.1.${rail}.1/24`, 'dev', name);
  };
  for (const rail of [1, 2]) addNic(rail);
  const world = await startWorld();
  const line = await layWire(world.url);
  const hours = createHours(() => stage.held);
  const onError = (said: string): void => void errors.push(said);
  const daemon = createApiSide({ url: line.url, node: 'host-a', netns: host, hours, onError });
  const stage: Stage = {
    world,
    line,
    hours,
    daemon,
    errors,
    held: 0,
    startOperator: () =>
      world.startOperator(
        { ...silent, error: (_fields, said) => onError(said) },
        { clock: hours.clock, url: line.url },
      ),
    joinSilent: async (name, number) => {
      await world.addNode(name);
      await world.client.create(resources.hostInterfaces, {
        apiVersion: 'multinic.fms.io/v1',
        kind: 'HostInterface',
        metadata: { name },
        spec: { hostName: name, interfaces: [nic(1, number), nic(2, number)] },
      });
    },
    applyReady: async (name, spec) => {
      await world.apply(name, spec);
      // The kernel tells the daemon of its NICs in its own time, however many of these minutes pass.
      await world.until(async () => {
        await hours.pass(60_000);
        const { status } = await world.network(name);
        const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
        if (ready !== 'True') throw new Error(`${name} is not ready: ${JSON.stringify(status)}`);
      });
      await hours.pass(60_000);
    },
    addNic,
    close: async () => {
      await daemon.end();
      await world.close();
      await line.close();
      hours.close();
      namespaces.end();
    },
  };
  await world.addNode('host-a');
  stage.startOperator();
  await daemon.start();
  return stage;
}

/** Of networks as these tests make them. */
export function macvlan(more: Partial<MultiNicNetworkSpec> = {}): MultiNicNetworkSpec {
  return {
    subnet: '192.168.0.0/16',
    addressing: { hostBlock: 6, interfaceBlock: 2 },
    plugin: { cniVersion: '1.0.0', type: 'macvlan', args: { mode: 'bridge' } },
    ...more,
  };
}
