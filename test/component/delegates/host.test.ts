import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDelegates, type DelegateContext } from '../../../src/delegates/exec.ts';
import { hostNamespaces } from '../../../src/delegates/host-namespaces.ts';
import { createIsReference } from '../../../src/delegates/reference.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import { launchDirectly } from '../../../src/spawner/direct.ts';
import { createWorld, pluginDirectory, type World } from '../../support/attach/world.ts';

/** Where only the host's mount namespace has plugins. */
const path = ['/mnt/host-plugins'];
const books = '/var/lib/cni/networks/booked';

let world: World;
let netns: string;
/** Stands for the host's process 1. */
let host: ChildProcess;
beforeAll(async () => {
  world = createWorld(1);
  // Before the host's mount namespace is copied from ours.
  netns = world.pod();
  const script = `mount -t tmpfs none /var/lib && mount -t tmpfs none /mnt && mkdir ${path[0]} && cp ${pluginDirectory}/macvlan ${pluginDirectory}/host-local ${path[0]} && echo up && exec cat`;
  // cat ends with its stdin, that is with this process, however it ends.
  host = spawn('nsenter', [`--net=${world.host}`, 'unshare', '-m', '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (host.stdout === null) throw new Error('no stdout');
  await once(host.stdout, 'data');
});
afterAll(async () => {
  const ended = once(host, 'exit');
  host.stdin?.end();
  await ended;
  await world.end();
});

test('delegates in the mount namespace of the host: its binaries, its NICs, and the books of an IPAM plugin are there', async () => {
  const entering = hostNamespaces(host.pid ?? 0);
  const delegates = createDelegates({ owner: world.folder, launch: launchDirectly, ...entering });
  const call: DelegateCall = {
    nic: 'eth1',
    ifname: 'net1',
    plugin: 'macvlan',
    config: {
      cniVersion: '1.0.0',
      name: 'booked',
      type: 'macvlan',
      master: 'eth1',
      ipam: { type: 'host-local', subnet: '10.77.0.0/24' },
    },
  };
  const key = { network: 'booked', containerID: 'c1', ifname: 'net1' };
  const context: DelegateContext = { key, netns, args: '', path };
  const booked = (): string[] => readdirSync(join(entering.root, books)).filter((name) => name.startsWith('10.'));

  expect(existsSync(path[0] ?? '')).toBe(false);
  const binary = delegates.find(path, 'macvlan');
  expect(await delegates.versions(binary)).toContain('1.0.0');
  expect(await createIsReference({ launch: launchDirectly, ...entering })(binary, 'macvlan')).toBe(true);
  const result = await delegates.run(call, 'ADD', context);
  expect(result.ips[0]?.address).toMatch(/^10\.77\.0\./);
  expect(await world.links(netns)).toHaveLength(1);
  expect(booked()).toHaveLength(1);
  expect(existsSync(books)).toBe(false);
  await delegates.run(call, 'DEL', context, result);
  expect(booked()).toEqual([]);
  expect(await world.links(netns)).toEqual([]);
});
