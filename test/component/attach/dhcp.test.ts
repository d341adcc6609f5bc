import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from '../../support/attach/world.ts';

const server = fileURLToPath(new URL('../../support/dhcp-server.ts', import.meta.url));

let world: World;
let harness: Harness;
const programs: ChildProcess[] = [];
let said = '';

beforeAll(async () => {
  world = createWorld(2);
  const { fabric, host, folder } = world;
  const ip = (...args: string[]) => world.exec(fabric, 'ip', ...args);
  ip('link', 'add', 'br0', 'type', 'bridge');
  for (const port of ['port1', 'port2']) ip('link', 'set', port, 'master', 'br0');
  ip('address', 'add', '10.5.0.1/24', 'dev', 'br0');
  ip('link', 'set', 'br0', 'up');
  ip('route', 'add', '255.255.255.255', 'dev', 'br0');
  const started = spawn('nsenter', [`--net=${fabric}`, process.execPath, server, '10.5.0.1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  programs.push(started);
  const socket = `${folder}/dhcp.sock`;
  programs.push(
    spawn('nsenter', [`--net=${host}`, `${pluginDirectory}/dhcp`, 'daemon', '-socketpath', socket], {
      stdio: 'ignore',
    }),
  );
  const of = (network: string, daemonSocketPath: string) => ({
    network,
    blocks: { eth1: [], eth2: [] },
    ipam: { kind: 'each', config: { type: 'dhcp', daemonSocketPath } } as const,
  });
  harness = await world.start({ plans: plansText([of('leased', socket), of('unleased', `${folder}/none.sock`)]) });
  await until(() => said.includes('ready') && existsSync(socket));
});
afterAll(async () => {
  for (const program of programs) program.kill('SIGKILL');
  await world.end();
});

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 600 && !holds(); turn += 1) await sleep(50);
}

const lines = (word: string): string[] =>
  said
    .split('\n')
    .filter((line) => line.startsWith(word))
    .map((line) => line.slice(word.length + 1))
    .toSorted();

test('a lease for each NIC, by the real plugin and its daemon; each is released, of a pod that has gone too', async () => {
  const [pod, gone] = [world.pod(), world.pod()];
  const [stays, ends] = [
    { network: 'leased', container: 'd1', netns: pod },
    { network: 'leased', container: 'd2', netns: gone },
  ];
  const result = await harness.call(callOf('ADD', stays));
  const links = await world.links(pod);
  expect(lines('lease')).toEqual(
    links.map(({ mac }, index) => `${result?.ips[index]?.address.split('/')[0]} ${mac}`).toSorted(),
  );
  expect(result?.ips.map((ip) => ip.interface)).toEqual([0, 1]);
  expect(result?.ips.map(({ gateway }) => gateway)).toEqual(['10.5.0.1', '10.5.0.1']);
  await harness.call(callOf('CHECK', stays));
  await harness.call(callOf('ADD', ends));
  expect(new Set(lines('lease')).size).toBe(4);
  world.namespaces.remove(gone);
  await harness.call(callOf('DEL', ends));
  await harness.call(callOf('DEL', stays));
  expect(await world.links(pod)).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
  await until(() => lines('release').length >= 4);
  expect(lines('release')).toEqual([...new Set(lines('lease'))]);
});

test('a daemon that is away: the pod is refused with its words, and nothing is left', async () => {
  const pod = world.pod();
  const parts = { network: 'unleased', container: 'd3', netns: pod };
  await expect(harness.call(callOf('ADD', parts))).rejects.toThrow(/NIC eth1: macvlan ADD failed: .*none\.sock/);
  expect(await world.links(pod)).toEqual([]);
});
