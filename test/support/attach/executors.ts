import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Harness } from './client.ts';
import { callOf, createWorld, plansText } from './world.ts';

const modes = { macvlan: ['bridge', 'private', 'vepa', 'passthru'], ipvlan: ['l2', 'l3', 'l3s'] } as const;
const request = { ips: ['10.7.1.77', 'fd00:7:1::77'] };

/** What came of one mode. */
export interface Compared {
  /**
   * Lines (the answer, links, routes, settings of the link) that only one executor left, `-` the delegates, `+` the daemon;
   * MACs and indexes do not count.
   */
  readonly differences: readonly string[];
  /** CHECK by the real plugins of what was made directly. */
  readonly check: string;
  /** Links in the pod after DEL. */
  readonly after: number;
}

/** The same attachment by both executors, one after the other, in each mode of a kind. @returns by mode */
export async function compareExecutors(kind: 'macvlan' | 'ipvlan'): Promise<Record<string, Compared>> {
  const world = createWorld(1);
  const plans = plansText(
    modes[kind].map((mode) => ({
      network: mode,
      kind,
      mode,
      blocks: { eth1: ['10.7.1.0/24', 'fd00:7:1::/64'] },
    })),
  );
  const stateDir = (executor: string): string => {
    const folder = `${world.folder}/${executor}`;
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  const harnessOf = async (executor: 'direct' | 'delegates'): Promise<Harness> =>
    world.start({ plans, executor, stateDir: stateDir(executor), socket: `${stateDir(executor)}/cni.sock` });
  try {
    const harnesses = { delegates: await harnessOf('delegates'), direct: await harnessOf('direct') };
    const compared: Record<string, Compared> = {};
    for (const mode of modes[kind]) {
      const lookAt = async (executor: 'direct' | 'delegates') => {
        const netns = world.pod();
        const parts = { network: mode, container: `${executor}-${mode}`, netns };
        const answer = await harnesses[executor].call(callOf('ADD', { ...parts, request }));
        const show = (...args: string[]) => world.exec(netns, 'ip', '-json', '-details', ...args);
        // The link-local address settles a moment after the link is up.
        for (let turn = 0; turn < 100 && show('addr', 'show', 'dev', 'net1').includes('tentative'); turn += 1) {
          await sleep(50);
        }
        const settings = ['ipv4', 'ipv6'].map((family) =>
          world.exec(netns, 'sh', '-c', `grep -s . /proc/sys/net/${family}/conf/net1/* || true`),
        );
        const seen = [JSON.stringify(answer), show('addr', 'show', 'dev', 'net1')];
        seen.push(show('route', 'show', 'table', 'all'), show('-6', 'route', 'show', 'table', 'all'), ...settings);
        const check = await harnesses[executor].call(callOf('CHECK', parts)).then(
          () => 'ok',
          (error: unknown) => String(error),
        );
        await harnesses[executor].call(callOf('DEL', parts));
        return { text: seen.map((text) => withoutChance(text, netns)).join('\n'), check, netns };
      };
      const [byDelegates, direct] = [await lookAt('delegates'), await lookAt('direct')];
      const after = (await world.links(direct.netns)).length;
      compared[mode] = { differences: differences(byDelegates.text, direct.text), check: direct.check, after };
    }
    return compared;
  } finally {
    await world.end();
  }
}

/** Random MACs and what follows from them, the namespace, indexes, and a wait that the kernel draws. */
function withoutChance(text: string, netns: string): string {
  return text
    .replaceAll(netns, '-')
    .replaceAll(/fe80::[0-9a-f:]+/g, 'fe80::-')
    .replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, '-')
    .replaceAll(/"ifindex":\d+/g, '-')
    .replaceAll(/.*(base_reachable|stable_secret).*\n/g, '');
}

function differences(before: string, now: string): string[] {
  const [old, made] = [before.split('\n'), now.split('\n')];
  const missing = old.filter((line) => !made.includes(line)).map((line) => `- ${line}`);
  return [...missing, ...made.filter((line) => !old.includes(line)).map((line) => `+ ${line}`)];
}
