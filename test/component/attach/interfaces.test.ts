import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';
import { advertise } from '../../support/router-advertisement.ts';

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
      // Nobody sends anything but the announcement; without it the peer would believe what it knows for 15 s and more. As many looks
      // as fit into 0.2 s of a quiet machine, of which the first mostly sees it: a second, counted so that load does not matter.
      for (let look = 0; look < 40 && !known().includes(mac); look += 1);
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

  test('a router that nobody asked for advertises on the NIC: the pod hears it and takes neither address nor route', async () => {
    const [pod, believer] = [world.pod(), world.pod()];
    await add('ra', pod);
    // A link beside it on the same NIC, as anybody else would make it.
    world.namespaces.ip(world.host, 'link', 'add', 'ra0', 'link', 'eth1', 'type', 'macvlan', 'mode', 'bridge');
    world.namespaces.ip(world.host, 'link', 'set', 'ra0', 'netns', believer.slice(believer.lastIndexOf('/') + 1));
    world.exec(believer, 'sh', '-c', 'cd /proc/sys/net/ipv6/conf/ra0 && echo 2 > accept_ra && ip link set ra0 up');
    const heard = (): number =>
      Number(
        /^Icmp6InRouterAdvertisements\s+(\d+)/m.exec(world.exec(pod, 'cat', '/proc/net/dev_snmp6/net1'))?.[1] ?? 0,
      );
    const believed = (netns: string): string =>
      world.exec(netns, 'sh', '-c', 'ip -6 address; ip -6 route show table all').replaceAll('fe80:', '');
    const port = (await world.links(world.fabric)).find(({ name }) => name === 'port1');
    const [send = '', ...argv] = advertise(port?.index ?? 0, 'fd00:bad::');
    for (let turn = 0; turn < 200 && !(heard() > 0 && /bad:.*default/s.test(believed(believer))); turn += 1) {
      // Until the link-local address of the router may be used.
      world.exec(world.fabric, 'sh', '-c', '"$0" "$@" 2> /dev/null || true', send, ...argv);
      await sleep(50);
    }
    expect(heard()).toBeGreaterThan(0);
    expect(believed(believer)).toMatch(/bad:.*default/s);
    expect(believed(pod)).not.toMatch(/bad:|default/);
    await harness.call(callOf('CHECK', partsOf('ra', pod)));
    await harness.call(callOf('DEL', partsOf('ra', pod)));
    world.exec(believer, 'ip', 'link', 'del', 'ra0');
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
