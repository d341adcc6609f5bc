import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostPlan } from '../../../src/api/host.ts';
import type { Delegation, IpamMode, LinkKind, LinkMode } from '../../../src/api/network.ts';
import type { CniResult, ContainerCall, NetworkCall, PodRequest } from '../../../src/cni/types.ts';
import { encodePlans } from '../../../src/daemon/plan/codec.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import type { Link } from '../../../src/kernel/types.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { createNamespaces, type Namespaces } from '../netns.ts';
import { type Harness, type HarnessOptions, startHarness } from './client.ts';

/** Where Debian puts the CNI plugins. */
export const pluginDirectory = '/usr/lib/cni';

/** A network as this file's tests describe it. */
export interface NetworkSpec {
  readonly network: string;
  /** Pod block by NIC, one per family: `{ eth1: ['10.5.1.0/28'] }`; the whole rail is the /24 or /64 around it. */
  readonly blocks: Readonly<Record<string, readonly string[]>>;
  readonly kind?: LinkKind;
  readonly mode?: LinkMode;
  readonly draining?: boolean;
  /** Instead of kind and mode. */
  readonly delegation?: Delegation;
  /** Left out: addresses of the blocks. */
  readonly ipam?: IpamMode;
  readonly sourceRouting?: boolean;
}

export function planOf(spec: NetworkSpec): HostPlan {
  const { network, blocks, kind = 'macvlan', mode = 'bridge', draining = false } = spec;
  return {
    network,
    uid: `uid-${network}`,
    hostIndex: 1,
    revision: { network: 1, host: 1 },
    draining,
    ...(spec.delegation ?? { pluginType: kind, binding: 'master', mode }),
    ipam: spec.ipam ?? { kind: 'pool' },
    routed: false,
    subnets: [],
    masterNets: [],
    ...(spec.sourceRouting === undefined ? {} : { sourceRouting: spec.sourceRouting }),
    blocks: Object.entries(blocks).map(([interfaceName, pods], interfaceIndex) => ({
      interfaceIndex,
      interfaceName,
      netAddresses: [],
      vlanCIDRs: pods.map((text) => {
        const { family, base } = parsePrefix(text);
        const length = family === 4 ? 24 : 64;
        const hostBits = BigInt((family === 4 ? 32 : 128) - length);
        return { family, base: (base >> hostBits) << hostBits, length };
      }),
      podCIDRs: pods.map(parsePrefix),
      excludes: [],
      draining: false,
    })),
  };
}

export function plansText(specs: readonly NetworkSpec[]): string {
  return encodePlans(specs.map(planOf));
}

/** One host with veth NICs `eth1`…, cabled to a switch namespace, its harness, and pods. */
export interface World {
  readonly namespaces: Namespaces;
  readonly host: string;
  /** Where the NICs are cabled to: `port1`… */
  readonly fabric: string;
  readonly folder: string;
  /** A new namespace for a pod. */
  pod(): string;
  /** Another namespace at the same path. */
  recreate(netns: string): void;
  /** Runs a program inside and answers its stdout. */
  exec(netns: string, ...argv: string[]): string;
  start(options: Partial<HarnessOptions> & { plans: string }): Promise<Harness>;
  /** A directory with a delegate of that name, a shell script (`$REAL` is the real plugin), and the static plugin. */
  delegate(name: string, script: string): string;
  /** Links in a pod without lo, by name: delegates run side by side, so the kernel's own order is by chance. */
  links(netns: string): Promise<readonly Link[]>;
  end(): Promise<void>;
}

export function createWorld(nics: number): World {
  const namespaces = createNamespaces();
  const folder = mkdtempSync(join(tmpdir(), 'multinic-attach-'));
  const kernel = createKernel();
  const harnesses: Harness[] = [];
  const host = namespaces.add();
  const fabric = namespaces.add();
  for (let nic = 1; nic <= nics; nic += 1) namespaces.veth(host, `eth${nic}`, fabric, `port${nic}`);
  return {
    namespaces,
    host,
    fabric,
    folder,
    pod: () => namespaces.add(),
    recreate(netns) {
      const name = netns.slice(netns.lastIndexOf('/') + 1);
      execFileSync('ip', ['netns', 'del', name]);
      execFileSync('ip', ['netns', 'add', name]);
    },
    exec: (netns, ...argv) => execFileSync('nsenter', [`--net=${netns}`, ...argv], { encoding: 'utf8' }),
    async start(options) {
      const harness = await startHarness(host, {
        stateDir: folder,
        socket: join(folder, 'cni.sock'),
        cooldown: { cooldownMs: 0, floorMs: 0 },
        ...options,
      });
      harnesses.push(harness);
      return harness;
    },
    delegate(name, script) {
      const directory = mkdtempSync(join(folder, 'plugins-'));
      const file = join(directory, name);
      writeFileSync(file, `#!/bin/sh\nREAL=${pluginDirectory}/${name}\n${script}\n`);
      chmodSync(file, 0o755);
      symlinkSync(`${pluginDirectory}/static`, join(directory, 'static'));
      return directory;
    },
    links: async (netns) =>
      (await kernel.links(netns)).filter(({ name }) => name !== 'lo').toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async end() {
      await Promise.all(harnesses.map((harness) => harness.kill()));
      namespaces.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const bootId = createKernel().bootId();

/** A stamp of now: later calls have later ones. */
export function stampNow(): { bootId: string; ns: bigint } {
  return { bootId, ns: process.hrtime.bigint() };
}

export interface CallParts {
  readonly network: string;
  readonly container: string;
  readonly ifname?: string;
  readonly netns?: string;
  readonly path?: readonly string[];
  readonly request?: Partial<PodRequest>;
  readonly prevResult?: CniResult;
  /** `ipam.routes` of the configuration. */
  readonly routes?: unknown;
  /** The network's plugin object. */
  readonly plugin?: Readonly<Record<string, unknown>>;
  readonly stamp?: { bootId: string; ns: bigint };
}

export function callOf(verb: ContainerCall['verb'], parts: CallParts): ContainerCall {
  const {
    network,
    container,
    ifname = 'net1',
    netns = '',
    path = [pluginDirectory],
    request,
    prevResult,
    routes,
    plugin = {},
    stamp,
  } = parts;
  return {
    verb,
    key: { network, containerID: container, ifname },
    netns,
    pod: { namespace: 'default', name: container, uid: `uid-${container}` },
    path,
    args: 'IgnoreUnknown=1',
    conf: { ...confOf(network, request, prevResult), plugin, ipam: { type: 'multi-nic-ipam', routes } },
    stamp: stamp ?? stampNow(),
  };
}

export function networkCall(
  verb: NetworkCall['verb'],
  network: string,
  validAttachments?: NetworkCall['conf']['validAttachments'],
): NetworkCall {
  const conf = confOf(network);
  return {
    verb,
    path: [pluginDirectory],
    conf: validAttachments === undefined ? conf : { ...conf, validAttachments },
    stamp: stampNow(),
  };
}

function confOf(network: string, request: Partial<PodRequest> = {}, prevResult?: CniResult): ContainerCall['conf'] {
  return {
    cniVersion: '1.0.0',
    name: network,
    type: 'multi-nic',
    plugin: {},
    ipam: { type: 'multi-nic-ipam' },
    dns: {},
    ...(prevResult === undefined ? {} : { prevResult }),
    request: { ips: [], ...request },
  };
}
