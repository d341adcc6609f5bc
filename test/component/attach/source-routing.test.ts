import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const blocks = { eth1: ['10.8.1.64/28', 'fd00:8:1::100/120'], eth2: ['10.8.2.64/28', 'fd00:8:2::100/120'] };
const plans = plansText([
  { network: 'by-source', blocks, sourceRouting: true },
  { network: 'plain', blocks: { eth1: ['10.9.1.64/28'], eth2: ['10.9.2.64/28'] } },
]);
const gateways = ['10.8.1.1', '10.8.2.1', 'fd00:8:1::1', 'fd00:8:2::1'];
const routes = gateways.map((gw) => ({ dst: gw.includes(':') ? '::/0' : '0.0.0.0/0', gw }));
/** Behind the fabric, on no NIC's network. */
const far = { 4: '10.77.0.1', 6: 'fd00:77::1' };

let world: World;
beforeAll(() => {
  world = createWorld(2);
  const { fabric } = world;
  world.exec(fabric, 'ip', 'link', 'set', 'lo', 'up');
  for (const address of Object.values(far)) world.exec(fabric, 'ip', 'address', 'add', address, 'dev', 'lo');
  for (const nic of [1, 2]) {
    world.exec(fabric, 'ip', 'address', 'add', `10.8.${nic}.1/24`, 'dev', `port${nic}`);
    world.exec(fabric, 'ip', 'address', 'add', `fd00:8:${nic}::1/64`, 'nodad', 'dev', `port${nic}`);
  }
});
afterAll(async () => world.end());

describe.each(['direct', 'delegates'] as const)('by executor %s', (executor) => {
  test('what comes from an address leaves by its NIC, in both families; CHECK misses rules and routes; DEL leaves the pod as it was', async () => {
    const stateDir = `${world.folder}/${executor}`;
    mkdirSync(stateDir);
    const harness = await world.start({ plans, executor, stateDir, socket: `${stateDir}/cni.sock` });
    const netns = world.pod();
    // A pod's own way out, which stays its default route.
    world.exec(
      netns,
      'sh',
      '-c',
      'ip link add eth0 type veth peer name peer0 && ip link set eth0 up && ip link set peer0 up',
    );
    world.exec(netns, 'sh', '-c', 'ip address add 10.1.0.2/24 dev eth0 && ip route add default via 10.1.0.1');
    const look = (): string[] =>
      ['-4', '-6']
        .flatMap((family) =>
          ['rule', 'route show table all'].flatMap((what) =>
            world
              .exec(netns, 'sh', '-c', `ip ${family} ${what}`)
              .split('\n')
              .map((line) => line.replace(/ (metric|pref) .*/, '')),
          ),
        )
        .filter((line) => !line.includes('fe80') && !line.includes('ff00'))
        .toSorted();
    const before = look();
    const parts = { network: 'by-source', container: `s-${executor}`, netns, routes };
    const result = await harness.call(callOf('ADD', parts));
    for (const { address, interface: index = 0 } of result?.ips ?? []) {
      const family = address.includes(':') ? 6 : 4;
      const own = address.split('/')[0] ?? '';
      const said = world.exec(netns, 'ip', `-${family}`, 'route', 'get', far[family], 'from', own);
      expect(said).toContain(`dev ${['net1', 'net1-1'][index]} `);
      expect(said).toContain(`via ${gateways.find((gw) => gw.startsWith(own.slice(0, family === 4 ? 7 : 9)))} `);
      // The answer comes back by that NIC, which is where the fabric waits for it.
      world.exec(world.fabric, 'sh', '-c', `fping -q -c 1 -t 5000 -S ${far[family]} ${own} 2>&1`);
    }
    expect(result?.ips).toHaveLength(4);
    expect(world.exec(netns, 'ip', 'route', 'show', 'default')).toMatch(/^default via 10\.1\.0\.1 dev eth0 *\n$/);
    expect(result?.routes).toEqual([]);
    for (const dev of ['net1', 'net1-1']) {
      const files = ['arp_ignore', 'arp_announce'].map((name) => `/proc/sys/net/ipv4/conf/${dev}/${name}`);
      expect(world.exec(netns, 'cat', ...files).split('\n')).toEqual(['1', '2', '']);
    }
    await harness.call(callOf('CHECK', parts));
    const all = look();
    for (const family of ['-4', '-6']) {
      const rule =
        world
          .exec(netns, 'ip', family, 'rule')
          .split('\n')
          .find((line) => line.startsWith('10000:')) ?? '';
      const [, , from = '', , table = ''] = rule.split(/\s+/);
      world.exec(netns, 'ip', family, 'rule', 'del', 'from', from, 'lookup', table);
      await expect(harness.call(callOf('CHECK', parts))).rejects.toThrow(
        `rule from ${from}/${family === '-4' ? 32 : 128} to table ${table} is missing`,
      );
      world.exec(netns, 'ip', family, 'rule', 'add', 'from', from, 'lookup', table, 'priority', '10000');
      const way = world
        .exec(netns, 'ip', family, 'route', 'show', 'table', table, 'default')
        .trim()
        .split(/\s+/)
        .slice(0, 5);
      world.exec(netns, 'ip', family, 'route', 'del', ...way, 'table', table);
      await expect(harness.call(callOf('CHECK', parts))).rejects.toThrow(
        /route to (0\.0\.0\.0|::)\/0 on interface net1(-1)? in table \d+ is missing/,
      );
      world.exec(netns, 'ip', family, 'route', 'add', ...way, 'table', table);
    }
    expect(look()).toEqual(all);
    // Another network of the pod has rules of its own to keep, or none.
    const other = { network: 'plain', container: `s-${executor}`, netns, ifname: 'net2' };
    await harness.call(callOf('ADD', other));
    await harness.call(callOf('DEL', other));
    expect(look()).toEqual(all);
    await harness.call(callOf('DEL', parts));
    expect(look()).toEqual(before);
    await harness.kill();
  });
});

test('a daemon that is killed when the rules are made leaves none', async () => {
  const netns = world.pod();
  const killed = await world.start({
    plans,
    killAt: { step: 'add:before-finish', occurrence: 1, phase: 'serving' },
  });
  await expect(killed.call(callOf('ADD', { network: 'by-source', container: 'k', netns, routes }))).rejects.toThrow();
  await killed.ended;
  const rules = () => world.exec(netns, 'sh', '-c', 'ip rule; ip -6 rule');
  expect(rules()).toContain('10000:');
  const last = await world.start({ plans });
  expect(last.recovery).toMatchObject({ failed: [], found: { pending: 1 } });
  expect(rules()).not.toContain('10000:');
});
