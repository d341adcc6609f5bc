import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDelegates } from '../../../src/delegates/exec.ts';
import type { Harness } from './client.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from './world.ts';

const modes = { macvlan: ['bridge', 'private', 'vepa', 'passthru'], ipvlan: ['l2', 'l3', 'l3s'] } as const;
const request = { ips: ['10.7.1.77', 'fd00:7:1::77'] };

const executors = ['delegates', 'direct'] as const;

/** What came of one mode by one executor. */
export interface Compared {
  /**
   * Lines (the plugin's answer, links, routes, settings of the link) that only one of both left, `-` the real plugin with `static`, `+` the
   * executor; MACs and indexes do not count.
   */
  readonly differences: readonly string[];
  /** CHECK by the real plugins of what was made. */
  readonly check: string;
  /** What the plugin with `static` said to CHECK and DEL of it, as a daemon of another version would ask. */
  readonly checkWithStatic: string;
  /** Links in the pod after DEL. */
  readonly after: number;
}

/** The same attachment by the real plugin alone, and by both executors, one after the other, in each mode of a kind. @returns by mode */
export async function compareExecutors(
  kind: 'macvlan' | 'ipvlan',
): Promise<Record<string, Record<(typeof executors)[number], Compared>>> {
  const world = createWorld(1);
  const plans = plansText(
    modes[kind].map((mode) => ({
      network: mode,
      kind,
      mode,
      blocks: { eth1: ['10.7.1.0/24', 'fd00:7:1::/64'] },
    })),
  );
  const harnessOf = async (executor: (typeof executors)[number]): Promise<Harness> => {
    const stateDir = `${world.folder}/${executor}`;
    mkdirSync(stateDir, { recursive: true });
    return world.start({ plans, executor, stateDir, socket: `${stateDir}/cni.sock` });
  };
  try {
    const harnesses = { delegates: await harnessOf('delegates'), direct: await harnessOf('direct') };
    const compared: Record<string, Record<(typeof executors)[number], Compared>> = {};
    for (const mode of modes[kind]) {
      const delegates = await compare(world, harnesses.delegates, mode);
      compared[mode] = { delegates, direct: await compare(world, harnesses.direct, mode) };
    }
    return compared;
  } finally {
    await world.end();
  }
}

async function compare(world: World, harness: Harness, network: string): Promise<Compared> {
  const [netns, bare] = [world.pod(), world.pod()];
  // IPv6 is off by default in pods of some runtimes; who gives IPv6 addresses turns it on.
  for (const pod of [netns, bare]) world.exec(pod, 'sh', '-c', set({ disable_ipv6: '1' }));
  const plugin = createDelegates({ owner: 'compared', enter: ['nsenter', `--net=${world.host}`] });
  const contextOf = (pod: string, containerID: string) => ({
    key: { network, containerID, ifname: 'net1' },
    netns: pod,
    args: '',
    path: [pluginDirectory],
  });
  const parts = { network, container: 'compared', netns };
  await harness.call(callOf('ADD', { ...parts, request }));
  const made = await seen(world, netns);
  const [record] = (await harness.look()).records;
  const call = record?.calls[0];
  const told = record?.delegateResults?.[0];
  if (call === undefined || told === undefined) throw new Error('no record');
  const saying = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', String);
  const check = await saying(harness.call(callOf('CHECK', parts)));
  const checkWithStatic = await saying(plugin.run(call, 'CHECK', contextOf(netns, 'compared'), told));
  await harness.call(callOf('DEL', parts));
  const after = (await world.links(netns)).length;

  // A passthru NIC is one link's alone, so this comes afterwards. What the daemon sets besides:
  world.exec(
    bare,
    'sh',
    '-c',
    set({ accept_ra: '0', autoconf: '0', accept_dad: '0', dad_transmits: '0', ndisc_notify: '1' }),
  );
  const answer = await plugin.run(call, 'ADD', contextOf(bare, 'bare'));
  world.exec(bare, 'ip', 'link', 'property', 'add', 'dev', 'net1', 'altname', 'net1-0');
  const wanted = await seen(world, bare);
  await plugin.run(call, 'DEL', contextOf(bare, 'bare'), answer);
  const texts = [
    withoutChance([JSON.stringify(answer), ...wanted].join('\n'), bare),
    withoutChance([JSON.stringify(told), ...made].join('\n'), netns),
  ] as const;
  return { differences: differences(...texts), check, checkWithStatic, after };
}

function set(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(
    ([name, value]) => `echo ${value} > /proc/sys/net/ipv6/conf/default/${name}`,
  );
  return lines.join(' && ');
}

/** All that is to be seen of net1 in a pod. */
async function seen(world: World, netns: string): Promise<readonly string[]> {
  const show = (...args: string[]) => world.exec(netns, 'ip', '-json', '-details', ...args);
  // The link-local address settles a moment after the link is up.
  for (let turn = 0; turn < 100 && show('addr', 'show', 'dev', 'net1').includes('tentative'); turn += 1)
    await sleep(50);
  const settings = ['ipv4', 'ipv6'].map((family) =>
    world.exec(netns, 'sh', '-c', `grep -s . /proc/sys/net/${family}/conf/net1/* || true`),
  );
  return [
    show('addr', 'show', 'dev', 'net1'),
    show('route', 'show', 'table', 'all'),
    show('-6', 'route', 'show', 'table', 'all'),
    ...settings,
  ];
}

/** Random MACs and what follows from them, the namespace, indexes, a wait that the kernel draws, and what only newer plugins than Debian's set. */
function withoutChance(text: string, netns: string): string {
  return (
    text
      .replaceAll(netns, '-')
      .replaceAll(/fe80::[0-9a-f:]+/g, 'fe80::-')
      .replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, '-')
      // Said of our IPv6 addresses: they are never tentative, not even until the kernel gets to it.
      .replaceAll('"nodad":true,', '')
      .replaceAll(/"ifindex":\d+/g, '-')
      .replaceAll(/.*(base_reachable|stable_secret|keep_addr_on_down).*\n/g, '')
  );
}

function differences(before: string, now: string): string[] {
  const [old, made] = [before.split('\n'), now.split('\n')];
  const missing = old.filter((line) => !made.includes(line)).map((line) => `- ${line}`);
  return [...missing, ...made.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)];
}
