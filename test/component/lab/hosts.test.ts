import { readlinkSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKernel } from '../../../src/kernel/ip.ts';
import { pickMgmtPrefix } from '../../../src/lab/hosts/mgmt.ts';
import { readCounts } from '../../../src/lab/ping.ts';
import { type BareLab, createBareLab } from '../../../src/lab/run/bare-lab.ts';
import { takeName } from '../../../src/lab/run/name-lock.ts';
import { reservePorts } from '../../e2e/control-plane/ports.ts';
import { item } from '../../support/scenario/item.ts';

const size = { hosts: 3, nics: 3, families: [4, 6] as const };

describe('the hosts of a lab', () => {
  let lab: BareLab;
  let other: BareLab;

  beforeAll(async () => {
    [lab, other] = await Promise.all([createBareLab(size), createBareLab({ hosts: 1, nics: 1, families: [4] })]);
  });

  afterAll(async () => {
    await Promise.all([lab?.close(), other?.close()]);
  });

  test('reach each other on each rail, in both families, and the machine on the management network', async () => {
    for (const host of lab.network.hosts) {
      const addresses = lab.network.hosts.flatMap(({ nics }) => nics.flatMap((nic) => nic.addresses));
      const targets = [...addresses.map((address) => address.split('/')[0] ?? ''), lab.network.mgmtAddress];
      const outcome = await host.exec(['fping', '-q', '-c', '2', '-p', '100', '-t', '10000', ...targets]);
      const counts = readCounts(outcome.stderr);
      expect([...counts.keys()].sort()).toEqual([...targets].sort());
      expect([...counts.values()].every(({ sent, received }) => sent === 2 && received === 2)).toBe(true);
    }
  });

  test('a rail is a segment of its own: one NIC that is down cuts off its rail and no other', async () => {
    const [first, second] = lab.network.hosts;
    if (first === undefined || second === undefined) throw new Error('too few hosts');
    const [ahead = '', one = '', cut = '', three = ''] = second.nics.map(
      (nic) => nic.addresses[0]?.split('/')[0] ?? '',
    );
    const received = async (waitMs: number, ...targets: string[]) => {
      const { stderr } = await first.exec(['fping', '-q', '-c', '1', '-t', String(waitMs), ...targets]);
      const counts = readCounts(stderr);
      return targets.map((target) => counts.get(target)?.received);
    };
    await second.exec(['ip', 'link', 'set', 'eth2', 'down']);
    expect(await received(30_000, ahead, one, three)).toEqual([1, 1, 1]);
    expect(await received(1000, cut)).toEqual([0]);
    await second.exec(['ip', 'link', 'set', 'eth2', 'up']);
  });

  test('have stock paths of their own', async () => {
    const [first, second] = lab.network.hosts;
    if (first === undefined || second === undefined) throw new Error('too few hosts');
    await first.exec(['sh', '-c', 'touch /run/multinic/a /run/netns/b /var/lib/multinic/c /var/lib/cni/d']);
    const look = ['sh', '-c', 'pwd; ls /run/multinic /run/netns /var/lib/multinic /var/lib/cni; ls /opt/cni/bin'];
    expect((await second.exec(look)).stdout).not.toMatch(/^[abcd]$/m);
    const own = (await first.exec(look)).stdout;
    expect(own).toMatch(/^\/$/m);
    for (const name of ['a', 'b', 'c', 'd', 'multi-nic', 'multi-nic-ipam']) expect(own.split('\n')).toContain(name);
    const links = (await first.exec(['ls', '/sys/class/net'])).stdout.trim().split('\n');
    expect(links).toEqual(['eth0', 'eth1', 'eth2', 'eth3', 'lo']);
  });

  test('do not forward, and have their default route on eth0', async () => {
    const outcome = await lab.network.hosts[0]?.exec([
      'sh',
      '-c',
      'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding; ip route show default',
    ]);
    expect(
      outcome?.stdout
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['0', '0', `default via ${lab.network.mgmtAddress} dev eth0`]);
  });

  test('hold no other namespace of this machine alive', async () => {
    const mounts = await lab.network.hosts[0]?.exec(['cat', '/proc/self/mounts']);
    expect(mounts?.stdout).not.toContain(' nsfs ');
  });

  test('two labs at once have different management networks and namespaces', () => {
    expect(other.network.mgmtAddress).not.toBe(lab.network.mgmtAddress);
    const spaces = [...lab.network.hosts, ...other.network.hosts].map(({ pid }) => readlinkSync(`/proc/${pid}/ns/net`));
    expect(new Set(spaces).size).toBe(4);
  });
});

test('of labs that begin at the same moment each has a management network and ports of its own', async () => {
  const kernel = createKernel();
  const name = `multinic-test-${process.pid}`;
  const picks = Array.from({ length: 4 }, () => pickMgmtPrefix(kernel, 'same', (one) => takeName(`${name}-${one}`)));
  expect(new Set(await Promise.all(picks)).size).toBe(4);
  expect(await takeName(`${name}-${await item(picks, 0)}`)).toBe(false);
  const ports = (await Promise.all([2, 1, 2, 1].map((count) => reservePorts('127.0.0.1', count)))).flat();
  expect(new Set(ports).size).toBe(6);
});
