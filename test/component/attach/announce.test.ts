import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const plans = plansText([{ network: 'dual', blocks: { eth1: ['10.7.1.0/24', 'fd00:7:1::100/120'] } }]);

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(1);
  harness = await world.start({ plans });
});
afterAll(async () => world.end());

const add = (container: string, netns: string, ips: readonly string[] = []) =>
  harness.call(callOf('ADD', { network: 'dual', container, netns, request: { ips } }));

test.each([
  ['IPv4', '10.7.1.77'],
  ['IPv6', 'fd00:7:1::177'],
])('a peer that knows an address under the MAC of its last holder hears of the new one: %s', async (_family, ip) => {
  const [peer, pod] = [world.pod(), world.pod()];
  await add(`peer-${ip.length}`, peer);
  world.namespaces.ip(peer, 'neigh', 'add', ip, 'lladdr', '02:00:00:00:00:99', 'dev', 'net1', 'nud', 'reachable');
  const result = await add(`pod-${ip.length}`, pod, [ip]);
  const mac = result?.interfaces[0]?.mac ?? 'none';
  const known = () => world.namespaces.ip(peer, 'neigh', 'show', ip);
  // Nobody sends anything but the announcement.
  for (let turn = 0; turn < 100 && !known().includes(mac); turn += 1) await sleep(50);
  expect(known()).toContain(mac);
});
