import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/kernel/ip.ts';
import type { IpCommand } from '../../../src/kernel/types.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';
import { createNamespaces } from '../../support/netns.ts';

const spaces = createNamespaces();
afterAll(() => spaces.end());
const kernel = createKernel();

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10);
}

describe('reading', () => {
  test('links of this namespace and of another', async () => {
    const here = spaces.add();
    const there = spaces.add();
    spaces.veth(here, 'eth1', there, 'eth9');
    const own = await kernel.links();
    expect(own.find((link) => link.name === 'lo')?.index).toBe(1);
    const others = await kernel.links(here);
    expect(others.map((link) => link.name).sort()).toEqual(['eth1', 'lo']);
    expect(others.find((link) => link.name === 'eth1')).toMatchObject({ kind: 'veth', up: true, carrier: true });
  });

  test('a table that does not exist has no routes', async () => {
    const netns = spaces.add();
    expect(await kernel.routes({ family: 4, table: 4242, netns })).toEqual([]);
    expect(await kernel.routes({ family: 6, table: 4242, protocol: 186, netns })).toEqual([]);
  });

  test('a namespace that is gone is an error that names it', async () => {
    await expect(kernel.links('/run/netns/mn-never')).rejects.toThrow('/run/netns/mn-never');
    await expect(kernel.batch([['link', 'show']], '/run/netns/mn-never')).rejects.toThrow('/run/netns/mn-never');
  });

  test('identity of a namespace; none for plain files and for nothing', () => {
    const netns = spaces.add();
    const id = kernel.netnsId(netns);
    expect(id).toMatch(/^\d+:\d+$/);
    expect(id).not.toBe(kernel.netnsId('/proc/self/ns/net'));
    expect(kernel.netnsId('/proc/self/status')).toBeUndefined();
    spaces.remove(netns);
    expect(kernel.netnsId(netns)).toBeUndefined();
  });

  test('sysfs and boot id', () => {
    expect(kernel.sysfs('class/net/lo/ifindex')).toBe('1');
    expect(kernel.sysfs('class/net/nosuch/ifindex')).toBeUndefined();
    expect(kernel.bootId()).toMatch(/^[\da-f-]{36}$/);
  });
});

describe('batch', () => {
  test('what fails is reported in its place, the rest is done, even behind an argument that ends ip', async () => {
    const netns = spaces.add();
    spaces.veth(netns, 'eth1', spaces.add(), 'eth1');
    spaces.ip(netns, 'addr', 'add', '10.1.1.2/24', 'dev', 'eth1');
    const add = (dst: string, ...rest: string[]): string[] => ['route', 'add', dst, ...rest];
    const results = await kernel.batch(
      [
        add('10.20.0.0/16', 'via', '10.1.1.3', 'dev', 'eth1', 'table', '150', 'proto', '186'),
        add('10.20.0.0/16', 'via', '10.1.1.3', 'dev', 'eth1', 'table', '150', 'proto', '186'),
        add('10.21.0.0/16', 'via', '10.1.1.3', 'dev', 'nosuch', 'table', '150'),
        add('10.22.0.0/99', 'via', '10.1.1.3', 'dev', 'eth1', 'table', '150'),
        add('10.23.0.0/16', 'via', '10.1.1.3', 'dev', 'eth1', 'table', 'zz'),
        add('10.24.0.0/16', 'via', '10.1.1.4', 'dev', 'eth1', 'table', '150', 'proto', '186', 'metric', '9'),
        add('fd55::/64', 'via', 'fe80::1', 'dev', 'eth1', 'table', '150', 'proto', '186', 'metric', '100'),
        ['rule', 'add', 'from', '10.9.0.0/16', 'lookup', '150', 'prio', '1000', 'protocol', '186'],
        ['-6', 'rule', 'add', 'from', 'fd55::/48', 'lookup', '150', 'prio', '1000', 'protocol', '186'],
      ],
      netns,
    );
    expect(results).toEqual([
      undefined,
      expect.stringContaining('File exists'),
      expect.stringContaining('nosuch'),
      expect.stringContaining('10.22.0.0/99'),
      expect.stringContaining('table'),
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const v4 = await kernel.routes({ family: 4, table: 'all', protocol: 186, netns });
    expect(v4.map((route) => `${formatPrefix(route.dst)} ${route.table} ${route.metric}`)).toEqual([
      '10.20.0.0/16 150 0',
      '10.24.0.0/16 150 9',
    ]);
    const v6 = await kernel.routes({ family: 6, table: 150, netns });
    expect(v6.map((route) => formatPrefix(route.dst))).toEqual(['fd55::/64']);
    for (const family of [4, 6] as const) {
      const ours = (await kernel.rules({ family, netns })).filter((rule) => rule.protocol === 186);
      expect(ours).toMatchObject([{ priority: 1000, table: 150, special: false }]);
    }
  });

  test('a look at the links comes with the batch, whatever its commands came to', async () => {
    const netns = spaces.add();
    const good: IpCommand = ['link', 'property', 'add', 'dev', 'lo', 'altname', 'loop'];
    for (const bad of [
      ['link', 'set', 'nosuch', 'up'],
      ['link', 'set', 'lo', 'mtu', 'broad'],
    ] as IpCommand[]) {
      const { answers, links } = await kernel.batchThenLinks([good, bad], netns);
      expect(answers).toHaveLength(2);
      expect(answers[1]).toBeDefined();
      expect(links.find(({ name }) => name === 'lo')?.altnames).toEqual(['loop']);
    }
    await expect(kernel.batchThenLinks([good], '/run/netns/nosuch')).rejects.toThrow('nosuch');
  });

  test('no command costs no process', async () => {
    const without = createKernel({ path: '/nowhere' });
    expect(await without.batch([])).toEqual([]);
    await expect(without.batch([['link', 'show']])).rejects.toThrow('cannot run ip');
  });
});

test('sysctls are set in the namespace, those of this one stay', async () => {
  const netns = spaces.add();
  const file = '/proc/sys/net/ipv6/conf/default/accept_ra';
  const before = readFileSync(file, 'utf8');
  await kernel.setSysctls(
    {
      'net.ipv6.conf.default.accept_ra': '0',
      'net.ipv6.conf.default.dad_transmits': '0',
      'net.ipv4.conf.lo.arp_ignore': '1',
      'net.ipv6.conf.nosuch.accept_ra': '0',
    },
    netns,
  );
  const inside = execFileSync('nsenter', [
    `--net=${netns}`,
    'cat',
    file,
    '/proc/sys/net/ipv6/conf/default/dad_transmits',
    '/proc/sys/net/ipv4/conf/lo/arp_ignore',
  ]);
  expect(inside.toString()).toBe('0\n0\n1\n');
  expect(readFileSync(file, 'utf8')).toBe(before);
  await expect(kernel.setSysctls({ 'net.ipv4.conf.lo.arp_ignore': '1' }, '/run/netns/nosuch')).rejects.toThrow(
    'nosuch',
  );
});

describe('watch', () => {
  function monitors(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          const status = readFileSync(`/proc/${pid}/status`, 'utf8');
          return (
            status.includes(`PPid:\t${process.pid}\n`) &&
            readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('monitor')
          );
        } catch {
          return false;
        }
      });
  }

  test('wakes for changes, comes back when its monitor dies, ends with the signal', async () => {
    const netns = spaces.add();
    const watcher = createKernel({ enter: ['nsenter', `--net=${netns}`], coalesceMs: 20 });
    const ending = new AbortController();
    let wakes = 0;
    watcher.watch(() => wakes++, ending.signal);
    await until(() => wakes > 0);
    const [first] = monitors();
    expect(first).toBeDefined();

    let seen = wakes;
    for (let index = 0; index < 50; index++) spaces.ip(netns, 'link', 'set', 'lo', index % 2 === 0 ? 'down' : 'up');
    await until(() => wakes > seen);
    seen = wakes;
    spaces.ip(netns, 'rule', 'add', 'from', '10.0.0.0/8', 'lookup', '99');
    await until(() => wakes > seen);

    seen = wakes;
    process.kill(first ?? 0, 'SIGKILL');
    // What was to be told before may come first.
    await until(() => wakes > seen && monitors().length === 1 && !monitors().includes(first ?? 0));

    const [last] = monitors();
    ending.abort();
    await until(() => !existsSync(`/proc/${last}`));
    expect(monitors()).toEqual([]);
  });
});
