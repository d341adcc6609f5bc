import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Harness } from '../../support/attach/client.ts';
import { compareExecutors } from '../../support/attach/executors.ts';
import {
  callOf,
  createWorld,
  networkCall,
  plansText,
  pluginDirectory,
  type World,
} from '../../support/attach/world.ts';
import { ipvlanKernel, runThere } from '../../support/ipvlan-kernel.ts';

const alike = { differences: [], check: 'ok', checkWithStatic: 'ok', after: 0 };
const same = { delegates: alike, direct: alike };

describe('links, addresses and answers are those of the reference plugin with static, and its CHECK says so', () => {
  test('macvlan', async () => {
    expect(await compareExecutors('macvlan')).toEqual({ bridge: same, private: same, vepa: same, passthru: same });
  });
  test('ipvlan', (ctx) => {
    const kernel = ipvlanKernel();
    if ('missing' in kernel) {
      ctx.skip(kernel.missing);
      return;
    }
    const program = fileURLToPath(new URL('../../support/attach/ipvlan-executors.ts', import.meta.url));
    expect(runThere(kernel, program)).toEqual({ l2: same, l3: same, l3s: same });
  });
});

describe('who makes the links', () => {
  let world: World;
  let harness: Harness;
  beforeAll(async () => {
    world = createWorld(2);
    harness = await world.start({
      plans: plansText([{ network: 'red', blocks: { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] } }]),
    });
  });
  afterAll(async () => world.end());

  /** A directory without `static`: a delegate that asks for it fails and names it. */
  const alone = (name: string, macvlan: (file: string) => void): string => {
    const directory = `${world.folder}/${name}`;
    mkdirSync(directory);
    macvlan(`${directory}/macvlan`);
    return directory;
  };
  const add = (
    container: string,
    directory: string,
    plugin: Readonly<Record<string, unknown>> = {},
    netns = world.pod(),
  ) => {
    const call = callOf('ADD', { network: 'red', container, netns, path: [directory] });
    return harness.call({ ...call, conf: { ...call.conf, plugin } });
  };
  const script = (file: string): void => {
    writeFileSync(file, `#!/bin/sh\necho "$CNI_COMMAND" >> ${file}.log\nexec ${pluginDirectory}/macvlan\n`);
    chmodSync(file, 0o755);
  };
  /** What only links to come of delegates need. */
  const isPrepared = (netns: string): boolean =>
    world.exec(netns, 'cat', '/proc/sys/net/ipv6/conf/default/accept_ra') === '0\n';

  test('the daemon, for the reference plugin and plain configurations', async () => {
    const reference = alone('reference', (file) => symlinkSync(`${pluginDirectory}/macvlan`, file));
    const [plain, key, chained] = [world.pod(), world.pod(), world.pod()];
    const answer = await add('plain', reference, {}, plain);
    expect(answer?.interfaces.map(({ name }) => name)).toEqual(['net1', 'net1-1']);
    expect(isPrepared(plain)).toBe(false);
    await add('key', reference, { linkContainer: 'x' }, key);
    expect(isPrepared(key)).toBe(true);
    // Nobody would ask `static`, so nobody misses it.
    await harness.call({ ...networkCall('STATUS', 'red'), path: [reference] });
    // What is chained may need the addresses at once: the delegate puts them.
    symlinkSync(`${pluginDirectory}/tuning`, `${reference}/tuning`);
    const metaPlugins = [{ type: 'tuning' }];
    await expect(add('chained', reference, { metaPlugins }, chained)).rejects.toThrow(/static/);
    expect(await world.links(chained)).toEqual([]);
  });

  test('the delegate, when somebody put another program in its place', async () => {
    const wrapped = alone('wrapped', script);
    expect((await add('script', wrapped))?.ips).toHaveLength(2);
    expect(readFileSync(`${wrapped}/macvlan.log`, 'utf8')).toBe('VERSION\nADD\nADD\n');
  });

  test.each(['direct', 'delegates'] as const)('no address is on a link before it is on disk: %s', async (executor) => {
    const stateDir = `${world.folder}/${executor}`;
    mkdirSync(stateDir);
    const blocks = { eth1: ['10.6.1.0/28'], eth2: ['10.6.2.0/28'] };
    const socket = `${stateDir}/s`;
    const slow = await world.start({ stateDir, socket, executor, plans: plansText([{ network: 'blue', blocks }]) });
    writeFileSync(`${stateDir}/slow-disk`, '');
    const netns = world.pod();
    const adding = slow.call(callOf('ADD', { network: 'blue', container: executor, netns }));
    const made = executor === 'direct' ? 2 : 0;
    await expect.poll(async () => (await slow.look()).records.length, { timeout: 20_000 }).toBe(1);
    await expect.poll(async () => (await world.links(netns)).length, { timeout: 20_000 }).toBe(made);
    // As long as all the rest of it would take.
    await sleep(500);
    const links = await world.links(netns);
    expect(links.map(({ addresses, up }) => ({ addresses, up }))).toEqual(
      Array.from({ length: made }, () => ({ addresses: [], up: false })),
    );
    rmSync(`${stateDir}/slow-disk`);
    expect((await adding)?.ips).toHaveLength(2);
    expect((await world.links(netns)).every(({ addresses }) => addresses.length > 0)).toBe(true);
    await slow.kill();
  });

  test('a NIC that is gone: the error names it and the delegate, and nothing is left', async () => {
    world.namespaces.ip(world.host, 'link', 'del', 'eth2');
    const netns = world.pod();
    await expect(harness.call(callOf('ADD', { network: 'red', container: 'gone', netns }))).rejects.toThrow(
      /NIC eth2: macvlan ADD failed: Cannot find device "eth2"/,
    );
    expect(await world.links(netns)).toEqual([]);
    expect((await harness.look()).records.map(({ key }) => key.containerID)).not.toContain('gone');
  });
});
