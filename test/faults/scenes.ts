import type { IpamMode } from '../../src/api/network.ts';
import type { ContainerCall } from '../../src/cni/types.ts';
import type { Harness, HarnessOptions } from '../support/attach/client.ts';
import { dress, lending } from '../support/attach/lent.ts';
import { callOf, plansText, pluginDirectory, type World } from '../support/attach/world.ts';
import type { Books } from './books.ts';

/** How an attachment is made whose making is disturbed. */
export interface Scene {
  readonly name: string;
  readonly network: string;
  readonly executor: NonNullable<HarnessOptions['executor']>;
  /** The main plugin. */
  readonly plugin: string;
  /** Of the network configuration. */
  readonly conf: Readonly<Record<string, unknown>>;
  /** `ipam.routes` of it. */
  readonly routes?: readonly { readonly dst: string; readonly gw: string }[];
}

/** What a point works on: an engine that serves, and a pod that nobody has used. */
export interface Place {
  readonly world: World;
  readonly books: Books;
  readonly scene: Scene;
  readonly harness: Harness;
  readonly netns: string;
  readonly container: string;
}

const bridge = 'br-fault';

const bandwidth = { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 };

const bySource = {
  network: 'by-source',
  plugin: 'macvlan',
  conf: {},
  routes: ['10.8.1.1', '10.8.2.1', 'fd00:8:1::1', 'fd00:8:2::1'].map((gw) => ({
    dst: gw.includes(':') ? '::/0' : '0.0.0.0/0',
    gw,
  })),
};

export const scenes = {
  direct: { name: 'links by the daemon', network: 'red', executor: 'direct', plugin: 'macvlan', conf: {} },
  delegates: { name: 'links by delegates', network: 'red', executor: 'delegates', plugin: 'macvlan', conf: {} },
  chain: {
    name: 'chained plugins',
    network: 'slow',
    executor: 'direct',
    plugin: 'bridge',
    conf: {
      bridge,
      metaPlugins: [{ type: 'tuning', mtu: 1400 }, { type: 'sbr' }, { type: 'bandwidth', ...bandwidth }],
    },
  },
  bySource: { name: 'routing by source', executor: 'direct', ...bySource },
  bySourceDelegates: { name: 'routing by source, links by delegates', executor: 'delegates', ...bySource },
  hostLocal: { name: 'host-local', network: 'local', executor: 'direct', plugin: 'macvlan', conf: {} },
  byNic: { name: 'multi-config', network: 'by-nic', executor: 'direct', plugin: 'bridge', conf: { bridge } },
  dhcp: { name: 'dhcp', network: 'leased', executor: 'direct', plugin: 'macvlan', conf: {} },
  lent: { name: 'lent NICs', network: lending.network, executor: 'direct', plugin: 'host-device', conf: {} },
} as const satisfies Record<string, Scene>;

const noBlocks = { eth1: [], eth2: [] };

function plansOf({ dataDir, dhcpSocket }: Books): string {
  const book = (...subnets: string[]) => ({
    type: 'host-local',
    dataDir,
    ranges: subnets.map((subnet) => [{ subnet }]),
  });
  const each = (config: Readonly<Record<string, unknown>>): IpamMode => ({ kind: 'each', config });
  const bridged = { pluginType: 'bridge', binding: 'none' } as const;
  return plansText([
    { network: 'red', blocks: { eth1: ['10.5.1.0/27'], eth2: ['10.5.2.0/27'] } },
    { network: 'slow', delegation: bridged, blocks: { eth1: ['10.6.1.0/27'], eth2: ['10.6.2.0/27'] } },
    {
      network: bySource.network,
      sourceRouting: true,
      blocks: { eth1: ['10.8.1.64/27', 'fd00:8:1::100/120'], eth2: ['10.8.2.64/27', 'fd00:8:2::100/120'] },
    },
    { network: 'local', blocks: noBlocks, ipam: each(book('10.9.0.0/24', 'fd00:9::/64')) },
    {
      network: 'by-nic',
      delegation: bridged,
      blocks: noBlocks,
      ipam: { kind: 'per-master', configs: { eth1: book('10.10.1.0/24'), eth2: book('10.10.2.0/24') } },
    },
    ...(dhcpSocket === undefined
      ? []
      : [{ network: 'leased', blocks: noBlocks, ipam: each({ type: 'dhcp', daemonSocketPath: dhcpSocket }) }]),
    lending,
  ]);
}

/** What stands on the host before anything is attached: addresses and routes of its NICs; the bridge plugin would leave its bridge. */
export function prepare(world: World): void {
  dress(world);
  // With an address of its own, as one without follows its ports.
  world.namespaces.ip(world.host, 'link', 'add', bridge, 'address', '02:00:00:00:fa:17', 'type', 'bridge');
  world.namespaces.ip(world.host, 'link', 'set', bridge, 'up');
}

export function startEngine(
  { world, books, scene: { executor } }: Pick<Place, 'world' | 'books' | 'scene'>,
  killAt?: HarnessOptions['killAt'],
): Promise<Harness> {
  return world.start({ plans: plansOf(books), executor, ...(killAt === undefined ? {} : { killAt }) });
}

/** A call for the place's pod. @param stand a folder with something in the place of a plugin */
export function placeCall(
  verb: ContainerCall['verb'],
  { scene, netns, container }: Place,
  stand?: string,
): ContainerCall {
  const path = [...(stand === undefined ? [] : [stand]), pluginDirectory];
  const call = callOf(verb, { network: scene.network, container, netns, path, routes: scene.routes });
  return { ...call, conf: { ...call.conf, plugin: scene.conf } };
}
