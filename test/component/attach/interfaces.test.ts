import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const plans = plansText([
  {
    network: 'dual',
    blocks: { eth1: ['10.7.1.0/24', 'fd00:7:1::100/120'], eth2: ['10.7.2.0/24', 'fd00:7:2::100/120'] },
  },
]);

let world: World;
beforeAll(() => {
  world = createWorld(2);
});
afterAll(async () => world.end());

describe.each(['direct', 'delegates'] as const)('by executor %s', (executor) => {
  let harness: Harness;
  beforeAll(async () => {
    const stateDir = `${world.folder}/${executor}`;
    mkdirSync(stateDir);
    harness = await world.start({ plans, executor, stateDir, socket: `${stateDir}/cni.sock` });
  });
  afterAll(async () => harness.kill());

  const partsOf = (container: string, netns: string, ifname = 'net1') => ({
    network: 'dual',
    container,
    netns,
    ifname,
  });
  const add = (container: string, netns: string, { ips = [], ifname }: { ips?: string[]; ifname?: string } = {}) =>
    harness.call(callOf('ADD', { ...partsOf(container, netns, ifname), request: { ips } }));

  test.each([
    ['IPv4', '10.7.1.77'],
    ['IPv6', 'fd00:7:1::177'],
  ])(
    'a peer that knows an address under the MAC of its last holder hears of the new one, and reaches it: %s',
    async (_family, ip) => {
      const [peer, pod] = [world.pod(), world.pod()];
      const names = [`peer-${ip.length}`, `pod-${ip.length}`] as const;
      await add(names[0], peer);
      world.namespaces.ip(peer, 'neigh', 'add', ip, 'lladdr', '02:00:00:00:00:99', 'dev', 'net1', 'nud', 'reachable');
      const result = await add(names[1], pod, { ips: [ip] });
      const mac = result?.interfaces[0]?.mac ?? 'none';
      const known = () => world.namespaces.ip(peer, 'neigh', 'show', ip);
      // Nobody sends anything but the announcement; without it the peer would believe what it knows for 15 s and more.
      for (let turn = 0; turn < 100 && !known().includes(mac); turn += 1) await sleep(50);
      expect(known()).toContain(mac);
      world.exec(peer, 'sh', '-c', `fping -q -c 1 -t 5000 ${ip} 2>&1`);
      for (const [index, netns] of [peer, pod].entries())
        await harness.call(callOf('DEL', partsOf(names[index] ?? '', netns)));
    },
  );

  test('IPv6 addresses of dual-stack pods wait for nothing, and no link takes router advertisements', async () => {
    const pod = world.pod();
    await add('v6', pod);
    for (const link of await world.links(pod)) {
      expect(link.addresses.filter(({ scope, tentative }) => scope === 'global' && tentative)).toEqual([]);
      const files = ['accept_ra', 'autoconf', 'accept_dad'].map(
        (name) => `/proc/sys/net/ipv6/conf/${link.name}/${name}`,
      );
      expect(world.exec(pod, 'cat', ...files)).toBe('0\n0\n0\n');
    }
    await harness.call(callOf('DEL', partsOf('v6', pod)));
  });

  test('names: the first as asked for, with the predecessor’s beside it; long ones end in a hash, the same each time; others’ stay', async () => {
    const pod = world.pod();
    const named = async (ifname: string) => {
      const result = await add('names', pod, { ifname });
      const links = await world.links(pod);
      const names = (result?.interfaces ?? []).map(({ name }) => name);
      expect(new Set(links.map(({ name }) => name))).toEqual(new Set(names));
      expect(links.find(({ name }) => name === ifname)?.altnames).toEqual([`${ifname}-0`]);
      await harness.call(callOf('CHECK', partsOf('names', pod, ifname)));
      await harness.call(callOf('DEL', partsOf('names', pod, ifname)));
      return names;
    };
    expect(await named('net1')).toEqual(['net1', 'net1-1']);
    const [first, second = ''] = await named('averylongname15');
    expect(first).toBe('averylongname15');
    expect(second).toMatch(/^averylo[\da-z]{6}-1$/);
    expect(await named('averylongname15')).toEqual([first, second]);
    expect((await named('averylongname16'))[1]).not.toBe(second);

    // A link of somebody else: by its name, and by another name that it has.
    world.exec(pod, 'ip', 'link', 'add', 'net1-1', 'type', 'bridge');
    world.exec(pod, 'ip', 'link', 'property', 'add', 'dev', 'net1-1', 'altname', 'net5');
    for (const ifname of ['net1', 'net5']) {
      await expect(add('clash', pod, { ifname })).rejects.toMatchObject({ code: code.invalidEnvironment });
    }
    expect((await world.links(pod)).map(({ name }) => name)).toEqual(['net1-1']);
  });
});
