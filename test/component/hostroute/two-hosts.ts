/**
 * Two hosts with two rails, two pods on each, ipvlan l3 by the real plugin, host routes as planned: every pod reaches every
 * other on every NIC, IPv4 and IPv6. A program of its own, as it may have to run in another kernel; prints one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Block, HostPlan, Nic } from '../../../src/api/host.ts';
import { createDelegates } from '../../../src/delegates/exec.ts';
import { addAll, delAll, type Look } from '../../../src/delegates/parallel.ts';
import { planCalls } from '../../../src/delegates/plan.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import { syncRoutes } from '../../../src/hostroute/apply.ts';
import { routeSetFor } from '../../../src/hostroute/plan.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { addressAt, parsePrefix, partOf } from '../../../src/net/prefix.ts';
import { discoverNics } from '../../../src/nic/discovery.ts';
import { createNamespaces } from '../../support/netns.ts';

const spaces = createNamespaces();
const kernel = createKernel();
const look: Look = async (netns) => (kernel.netnsId(netns) === undefined ? undefined : kernel.links(netns));
const subnets = ['192.168.0.0/16', 'fd00::/48'].map(parsePrefix);
const rails = [0, 1];
const path = ['/usr/lib/cni', '/opt/cni/bin'];

interface Host {
  readonly name: string;
  readonly netns: string;
  readonly plan: HostPlan;
  readonly nics: readonly Nic[];
}

interface Pod {
  readonly host: Host;
  readonly netns: string;
  readonly addresses: readonly string[];
  readonly calls: readonly DelegateCall[];
}

function blockOf(rail: number, host: number): Block {
  const vlanCIDRs = subnets.map((subnet) => partOf(subnet, rail, 2));
  return {
    interfaceIndex: rail,
    interfaceName: `eth${rail + 1}`,
    netAddresses: [parsePrefix(`10.1.${rail}.0/24`), parsePrefix(`fd01:${rail}::/64`)],
    vlanCIDRs,
    podCIDRs: vlanCIDRs.map((vlan) => partOf(vlan, host, 6)),
    excludes: [],
    draining: false,
  };
}

async function makeHost(index: number, fabric: string): Promise<Host> {
  const netns = spaces.add();
  for (const rail of rails) {
    const [nic, port] = [`eth${rail + 1}`, `h${index}r${rail}`];
    spaces.veth(netns, nic, fabric, port);
    spaces.ip(fabric, 'link', 'set', port, 'master', `rail${rail}`);
    spaces.ip(netns, 'addr', 'add', `10.1.${rail}.${index}/24`, 'dev', nic);
    spaces.ip(netns, 'addr', 'add', `fd01:${rail}::${index}/64`, 'dev', nic, 'nodad');
  }
  const inside = createKernel({ enter: ['nsenter', `--net=${netns}`] });
  const { nics } = await discoverNics({ kernel: inside, include: ['eth[1-9]*'] });
  const plan: HostPlan = {
    network: 'net-a',
    uid: 'u',
    hostIndex: index,
    revision: { network: 1, host: 1 },
    draining: false,
    pluginType: 'ipvlan',
    binding: 'master',
    mode: 'l3',
    ipam: { kind: 'pool' },
    routed: true,
    subnets,
    masterNets: [],
    blocks: rails.map((rail) => blockOf(rail, index)),
  };
  return { name: `host${index}`, netns, plan, nics };
}

/** Hosts that pods come to have been up for long: no address of their NICs is tentative any more. */
async function settled(netns: string): Promise<void> {
  const tentative = async () =>
    (await kernel.links(netns)).some(({ addresses }) => addresses.some((one) => one.tentative));
  for (const end = Date.now() + 60_000; await tentative(); await sleep(100)) {
    if (Date.now() > end) throw new Error(`addresses in ${netns} stay tentative`);
  }
}

async function routes(own: Host, others: readonly Host[]): Promise<string[]> {
  const remote = others.flatMap(({ name, plan, nics }) =>
    plan.blocks.map(({ interfaceIndex, interfaceName, netAddresses, podCIDRs }) => ({
      hostName: name,
      interfaceIndex,
      netAddresses,
      podCIDRs,
      hostIPs: (nics.find((nic) => nic.name === interfaceName)?.addresses ?? []).map(({ address }) => address),
    })),
  );
  const { set, problems } = routeSetFor({ plan: own.plan, nics: own.nics, remote }, 20_000);
  const outcome = await syncRoutes(kernel, [set], { netns: own.netns });
  return [...problems, ...[...outcome.problems.values()].flat()];
}

async function makePod(host: Host, place: bigint): Promise<Pod> {
  const netns = spaces.add();
  const calls = planCalls({
    network: host.plan.network,
    cniVersion: '1.0.0',
    pluginType: 'ipvlan',
    binding: 'master',
    mode: 'l3',
    plugin: {},
    nics: host.plan.blocks.map((block, index) => ({
      nic: block.interfaceName,
      ifname: index === 0 ? 'net1' : `net1-${index}`,
      addresses: block.podCIDRs.map((pods, family) => ({
        address: addressAt(pods, place),
        length: block.vlanCIDRs[family]?.length ?? 0,
      })),
    })),
  });
  // As ADD does it: with dad_transmits alone an address stays tentative for up to a second.
  const defaults = { 'net.ipv6.conf.default.accept_dad': '0', 'net.ipv6.conf.default.dad_transmits': '0' };
  await kernel.setSysctls(defaults, netns);
  const results = await addAll(delegatesOf(host), look, calls, contextIn(netns));
  const addresses = results.flatMap((result) => result.ips.map(({ address }) => address.split('/')[0] ?? ''));
  return { host, netns, addresses, calls };
}

function delegatesOf(host: Host): ReturnType<typeof createDelegates> {
  return createDelegates({ owner: host.name, enter: ['nsenter', `--net=${host.netns}`] });
}

function contextIn(netns: string): Parameters<typeof addAll>[3] {
  return { key: { network: 'net-a', containerID: 'c1', ifname: 'net1' }, netns, args: '', path };
}

/** Targets that do not answer. */
function silent(pod: Pod, targets: readonly string[]): string[] {
  const { stdout } = spawnSync('nsenter', [`--net=${pod.netns}`, 'fping', '-a', '-r', '2', '-t', '5000', ...targets], {
    encoding: 'utf8',
  });
  const alive = new Set(stdout.split('\n'));
  return targets.filter((target) => !alive.has(target)).map((target) => `${pod.netns} ${target}`);
}

/** ipvlan leaves its link when its IPAM plugin fails: what is in the pod after that was undone. */
async function leftAfterFailure(host: Host): Promise<string[]> {
  const netns = spaces.add();
  const [first, second] = planCalls({
    network: 'net-a',
    cniVersion: '1.0.0',
    pluginType: 'ipvlan',
    binding: 'master',
    mode: 'l3',
    plugin: {},
    nics: host.plan.blocks.map(({ interfaceName }, index) => ({
      nic: interfaceName,
      ifname: `x${index}`,
      addresses: [{ address: addressAt(parsePrefix('10.9.0.0/24'), 1n), length: 24 }],
    })),
  });
  if (first === undefined || second === undefined) throw new Error('two NICs wanted');
  const wrong = { ...second, config: { ...second.config, ipam: { type: 'static', addresses: [{ address: 'none' }] } } };
  const error: unknown = await addAll(delegatesOf(host), look, [first, wrong], contextIn(netns)).catch(
    (cause: unknown) => cause,
  );
  if (!(error instanceof Error) || !error.message.includes('NIC eth2')) return [`no error of eth2: ${String(error)}`];
  return (await kernel.links(netns)).map(({ name }) => name).filter((name) => name !== 'lo');
}

async function main(): Promise<unknown> {
  const fabric = spaces.add();
  for (const rail of rails) {
    spaces.ip(fabric, 'link', 'add', `rail${rail}`, 'type', 'bridge');
    spaces.ip(fabric, 'link', 'set', `rail${rail}`, 'up');
  }
  const hosts = [await makeHost(1, fabric), await makeHost(2, fabric)];
  for (const { netns } of hosts) await settled(netns);
  const problems: string[] = [];
  for (const host of hosts)
    problems.push(
      ...(await routes(
        host,
        hosts.filter((other) => other !== host),
      )),
    );
  const pods: Pod[] = [];
  for (const host of hosts) for (const place of [1n, 2n]) pods.push(await makePod(host, place));
  const modes = (await kernel.links(pods[0]?.netns)).filter(({ kind }) => kind === 'ipvlan').map(({ mode }) => mode);

  let sent = 0;
  const lost = pods.flatMap((pod) => {
    const targets = pods.filter((other) => other !== pod).flatMap(({ addresses }) => addresses);
    sent += targets.length;
    return silent(pod, targets);
  });
  const [host] = hosts;
  const leftovers = host === undefined ? [] : await leftAfterFailure(host);
  for (const pod of pods) await delAll(delegatesOf(pod.host), look, pod.calls, contextIn(pod.netns));
  for (const pod of pods)
    leftovers.push(...(await kernel.links(pod.netns)).map(({ name }) => name).filter((name) => name !== 'lo'));
  const example = pods[0]?.addresses ?? [];
  return { modes, sent, lost, problems, leftovers, example };
}

try {
  console.log(JSON.stringify(await main()));
} finally {
  spaces.end();
}
