import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { Nic } from '../../../src/api/host.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import type { Kernel } from '../../../src/kernel/types.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { formatInterfaceAddress, formatPrefix } from '../../../src/net/prefix.ts';
import { discoverNics } from '../../../src/nic/discovery.ts';
import { watchNics } from '../../../src/nic/watch.ts';
import { createNamespaces } from '../../support/netns.ts';

const spaces = createNamespaces();
afterAll(() => spaces.end());

/** The kernel as a daemon inside a host's namespace has it; sysfs is that of this machine, where no such NIC exists. */
function kernelOf(host: string): Kernel {
  return createKernel({ enter: ['nsenter', `--net=${host}`], coalesceMs: 20 });
}

/** eth0 with the default routes, eth2 and eth10 in the pool, a bridge with a port, a macvlan child. */
function makeHost(): string {
  const [host, fabric] = [spaces.add(), spaces.add()];
  for (const name of ['eth0', 'eth2', 'eth10', 'eth3', 'port1']) spaces.veth(host, name, fabric, name);
  spaces.ip(host, 'link', 'add', 'eth9', 'type', 'bridge');
  spaces.ip(host, 'link', 'set', 'port1', 'master', 'eth9');
  spaces.ip(host, 'link', 'add', 'eth8', 'link', 'eth2', 'type', 'macvlan', 'mode', 'bridge');
  for (const [name, address] of Object.entries({ eth0: '10.0.0.2/24', eth2: '10.1.2.2/24', eth10: '10.1.10.2/24' })) {
    spaces.ip(host, 'addr', 'add', address, 'dev', name);
  }
  spaces.ip(host, 'addr', 'add', 'fd00:2::2/64', 'dev', 'eth2', 'nodad');
  spaces.ip(host, 'route', 'add', 'default', 'via', '10.0.0.1');
  spaces.ip(host, '-6', 'route', 'add', 'default', 'dev', 'eth3');
  return host;
}

function show(nic: Nic): string {
  const addresses = nic.addresses.map(({ address, prefix }) => formatInterfaceAddress(address, prefix.length));
  return [nic.name, nic.up ? 'up' : 'down', ...addresses].join(' ');
}

test('the pool of a host of veths', async () => {
  const kernel = kernelOf(makeHost());
  const { nics, rejected } = await discoverNics({ kernel, include: ['eth*'] });
  expect(nics.map(show)).toEqual(['eth2 up 10.1.2.2/24 fd00:2::2/64', 'eth10 up 10.1.10.2/24']);
  const links = await kernel.links();
  for (const nic of nics) {
    const link = links.find(({ name }) => name === nic.name);
    expect(nic).toMatchObject({ key: link?.mac, mac: link?.mac, mtu: 1500 });
  }
  expect(nics[0]?.addresses.map(({ prefix }) => formatPrefix(prefix))).toEqual(['10.1.2.0/24', 'fd00:2::/64']);
  const reasons = Object.fromEntries(rejected.map(({ name, reason }) => [name, reason]));
  expect(reasons).toEqual({
    lo: 'loopback',
    eth0: 'carries the default route',
    eth3: 'carries the default route',
    eth8: 'is a macvlan link',
    eth9: 'is a bridge link',
    port1: 'is a port of eth9',
  });
  expect((await discoverNics({ kernel })).nics).toEqual([]);
});

test('the NIC of this machine that has a device is seen through sysfs', async (ctx) => {
  const kernel = createKernel();
  const links = await kernel.links();
  const real = links.find(({ name }) => kernel.sysfs(`class/net/${name}/device/uevent`) !== undefined);
  if (real === undefined) {
    ctx.skip('this machine has no NIC with a device');
    return;
  }
  const { nics, rejected } = await discoverNics({ kernel });
  const known = [...nics.map(({ name }) => name), ...rejected.map(({ name }) => name)];
  expect(known).toContain(real.name);
  expect(rejected.find(({ name }) => name === real.name)?.reason ?? '').not.toContain('no device');
});

test('changes are told once each, and only changes', async () => {
  const host = makeHost();
  const ending = new AbortController();
  const told: string[][] = [];
  let local: (string | undefined)[] = [];
  const errors: unknown[] = [];
  const kernel = kernelOf(host);
  watchNics({
    kernel,
    include: ['eth[1-9]*'],
    onChange: (nics) => {
      told.push(nics.map(show));
      local = nics.filter(({ up }) => up).map(({ linkLocal }) => linkLocal && formatAddress(linkLocal));
    },
    onError: (error) => errors.push(error),
    signal: ending.signal,
    pauseMs: 50,
  });
  const last = (): string[] => told.at(-1) ?? [];
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await sleep(10);
  };
  const first = ['eth2 up 10.1.2.2/24 fd00:2::2/64', 'eth10 up 10.1.10.2/24'];
  // Link-local addresses become usable after a while, which is a change too.
  await until(() => last().length === 2);
  expect(told[0]).toEqual(first);

  spaces.ip(host, 'link', 'set', 'eth10', 'down');
  await until(() => last()[1] === 'eth10 down 10.1.10.2/24');
  spaces.ip(host, 'addr', 'del', '10.1.2.2/24', 'dev', 'eth2');
  await until(() => last()[0] === 'eth2 up fd00:2::2/64');
  spaces.ip(host, 'link', 'del', 'eth10');
  await until(() => last().length === 1);
  spaces.ip(host, 'route', 'del', 'default');
  spaces.ip(host, 'link', 'set', 'eth3', 'down');
  await until(() => last().join(',').includes('eth3 down'));

  const usable = async (): Promise<(string | undefined)[]> =>
    (await kernel.links())
      .filter(({ name }) => ['eth0', 'eth2'].includes(name))
      .flatMap(({ addresses }) => addresses)
      .filter(({ address, scope, tentative }) => address.family === 6 && scope === 'link' && !tentative)
      .map(({ address }) => formatAddress(address));
  await expect.poll(usable).toHaveLength(2);
  const wanted = await usable();
  await until(() => local.join() === wanted.join());
  const settled = told.length;
  spaces.ip(host, 'link', 'add', 'other0', 'type', 'bridge');
  spaces.ip(host, 'rule', 'add', 'from', '10.0.0.0/8', 'lookup', '99');
  await sleep(600);
  expect(told).toHaveLength(settled);
  expect(errors).toEqual([]);
  ending.abort();
});

test('a scan that failed is followed by news, though nothing has changed: it ends the trouble', async () => {
  const real = kernelOf(makeHost());
  const ending = new AbortController();
  let failing = false;
  const kernel: Kernel = {
    ...real,
    async links(netns) {
      if (failing) throw new Error('ip did not end');
      return real.links(netns);
    },
  };
  const told: string[] = [];
  watchNics({
    kernel,
    include: ['eth[1-9]*'],
    onChange: (nics) => told.push(nics.map(show).join()),
    onError: (error) => {
      told.push(String(error));
      failing = false;
    },
    signal: ending.signal,
    pauseMs: 20,
    rescanMs: 20,
  });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await sleep(10);
  };
  await until(() => told.length > 0);
  failing = true;
  await until(() => told.some((text) => text.startsWith('Error')));
  const at = told.findIndex((text) => text.startsWith('Error'));
  await until(() => told.length > at + 1);
  expect(told[at + 1]).toBe(told[at - 1]);
  ending.abort();
});
