import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CniResult } from '../../../src/cni/types.ts';
import { planAddresses } from '../../../src/delegates/addressing.ts';
import { createDelegates, type DelegateContext } from '../../../src/delegates/exec.ts';
import { addAll, delAll, type Look } from '../../../src/delegates/parallel.ts';
import { planCalls } from '../../../src/delegates/plan.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import { createNamespaces } from '../../support/netns.ts';

const spaces = createNamespaces();
const folder = mkdtempSync(join(tmpdir(), 'delegates-'));
const host = spaces.add();
const kernel = createKernel();
/** Delegates run in the host namespace of the test, as the daemon's do. */
const delegates = createDelegates({ owner: 'test-parallel', enter: ['nsenter', `--net=${host}`] });
const look: Look = async (netns) => (kernel.netnsId(netns) === undefined ? undefined : kernel.links(netns));

beforeAll(() => {
  for (const nic of [1, 2, 3, 4]) spaces.veth(host, `eth${nic}`, host, `peer${nic}`);
});
afterAll(() => {
  spaces.end();
  rmSync(folder, { recursive: true, force: true });
});

function callsOn(nics: readonly string[], last = 7): DelegateCall[] {
  return planCalls({
    network: 'net-a',
    cniVersion: '1.0.0',
    pluginType: 'macvlan',
    binding: 'master',
    mode: 'bridge',
    plugin: {},
    nics: nics.map((nic, index) => ({
      nic,
      ifname: index === 0 ? 'net1' : `net1-${index}`,
      addresses: [
        { address: parseAddress(`192.168.${index}.${last}`), length: 24 },
        { address: parseAddress(`fd00:${index + 1}::${last}`), length: 64 },
      ],
    })),
  });
}

function contextIn(netns: string, path: readonly string[] = ['/usr/lib/cni']): DelegateContext {
  return { key: { network: 'net-a', containerID: 'c1', ifname: 'net1' }, netns, args: '', path };
}

const four = ['eth1', 'eth2', 'eth3', 'eth4'];

async function namesIn(netns: string): Promise<string[]> {
  return (await kernel.links(netns)).map((link) => link.name).filter((name) => name !== 'lo');
}

/** ADD, and the addresses that the plugins leave to be put, as the daemon does. */
async function addWithAddresses(pod: string, calls: readonly DelegateCall[]): Promise<readonly CniResult[]> {
  const results = await addAll(delegates, look, calls, contextIn(pod));
  const { sysctls, lines } = planAddresses(calls, results);
  await kernel.batch(
    lines.map(({ line }) => line),
    pod,
    { sysctls },
  );
  return results;
}

/** A directory of plugins in which one is a script that may run the real one. */
function wrapped(script: string): readonly string[] {
  const directory = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(directory, 'macvlan'), `#!/bin/sh\nread -r config\n${script}\n`);
  chmodSync(join(directory, 'macvlan'), 0o755);
  return [directory, '/usr/lib/cni'];
}

const real = `printf '%s' "$config" | exec /usr/lib/cni/macvlan`;

describe('ADD and DEL of real macvlan links', () => {
  test('four NICs side by side, deleted, and deleted again', async () => {
    const pod = spaces.add();
    const calls = callsOn(four);
    const results = await addWithAddresses(pod, calls);
    expect(results.map((result) => result.ips.map(({ address }) => address))).toEqual(
      [0, 1, 2, 3].map((index) => [`192.168.${index}.7/24`, `fd00:${index + 1}::7/64`]),
    );
    const links = await kernel.links(pod);
    const hostLinks = await kernel.links(host);
    for (const [index, call] of calls.entries()) {
      const link = links.find(({ name }) => name === call.ifname);
      expect(link).toMatchObject({
        kind: 'macvlan',
        mode: 'bridge',
        up: true,
        mac: results[index]?.interfaces[0]?.mac,
      });
      expect(link?.lowerIndex).toBe(hostLinks.find(({ name }) => name === call.nic)?.index);
      const held = link?.addresses.filter(({ scope }) => scope === 'global');
      expect(held?.map(({ address, prefix }) => formatInterfaceAddress(address, prefix.length))).toEqual(
        results[index]?.ips.map(({ address }) => address),
      );
    }
    await delAll(delegates, look, calls, contextIn(pod), { recorded: results });
    expect(await namesIn(pod)).toEqual([]);
    await delAll(delegates, look, calls, contextIn(pod), { recorded: results });
    await delAll(delegates, look, calls, contextIn(pod));
  });

  test('a missing master undoes the others and is named', async () => {
    const pod = spaces.add();
    const adding = addAll(delegates, look, callsOn(['eth1', 'eth2', 'nosuch', 'eth4']), contextIn(pod));
    await expect(adding).rejects.toThrow('NIC nosuch: macvlan ADD failed: Link not found');
    expect(await namesIn(pod)).toEqual([]);
  });

  test('a delegate that fails after it has made its link is undone too', async () => {
    const pod = spaces.add();
    const path = wrapped(
      `case "$CNI_COMMAND$CNI_IFNAME" in ADDnet1-1) ${real.replace('exec ', '')} >/dev/null; echo '{"code":50,"msg":"afterwards"}'; exit 1;; *) ${real};; esac`,
    );
    await expect(addAll(delegates, look, callsOn(four), contextIn(pod, path))).rejects.toMatchObject({
      code: 50,
      message: 'NIC eth2: macvlan ADD failed: afterwards',
    });
    expect(await namesIn(pod)).toEqual([]);
  });

  test('each that was started gets DEL, with a link or without', async () => {
    const pod = spaces.add();
    const path = wrapped(
      `echo "$CNI_COMMAND $CNI_IFNAME" >> "$0.log"; [ "$CNI_COMMAND$CNI_IFNAME" = ADDnet1-1 ] && { echo '{"code":11,"msg":"no"}'; exit 1; }; ${real}`,
    );
    await expect(addAll(delegates, look, callsOn(four), contextIn(pod, path))).rejects.toMatchObject({ code: 11 });
    const lines = readFileSync(`${path[0]}/macvlan.log`, 'utf8').trim().split('\n');
    const asked = lines.filter((line) => line.startsWith('DEL')).sort();
    expect(asked).toEqual(['DEL net1', 'DEL net1-1', 'DEL net1-2', 'DEL net1-3']);
  });

  test('a delegate that hangs is ended and all is undone', async () => {
    const pod = spaces.add();
    const path = wrapped(`case "$CNI_COMMAND$CNI_IFNAME" in ADDnet1-2) sleep 1000;; *) ${real};; esac`);
    const hasty = createDelegates({ owner: 'test-parallel', enter: ['nsenter', `--net=${host}`], timeoutMs: 4000 });
    await expect(addAll(hasty, look, callsOn(four), contextIn(pod, path))).rejects.toThrow(
      'NIC eth3: macvlan ADD did not end',
    );
    expect(await namesIn(pod)).toEqual([]);
  });

  test('an interface of another attachment that has the name is no part of the undoing', async () => {
    const pod = spaces.add();
    await addWithAddresses(pod, callsOn(['eth1'], 7));
    await expect(addAll(delegates, look, callsOn(['eth2', 'eth3'], 8), contextIn(pod))).rejects.toThrow('NIC eth2');
    expect(await namesIn(pod)).toEqual(['net1']);
  });
});

describe('DEL converges', () => {
  test('without a namespace, with one that is gone, without the binary', async () => {
    const calls = callsOn(four);
    const pod = spaces.add();
    await addAll(delegates, look, calls, contextIn(pod));
    spaces.remove(pod);
    await delAll(delegates, look, calls, contextIn(pod));
    await delAll(delegates, look, calls, contextIn(''));
    await delAll(delegates, look, calls, contextIn(pod, ['/nowhere']));
  });

  test('some links gone already: only the others are asked for', async () => {
    const pod = spaces.add();
    const calls = callsOn(four);
    const log = join(folder, 'asked');
    const path = wrapped(`[ $CNI_COMMAND = DEL ] && echo $CNI_IFNAME >> ${log}; ${real}`);
    const results = await addAll(delegates, look, calls, contextIn(pod, path));
    spaces.ip(pod, 'link', 'del', 'net1-1');
    await delAll(delegates, look, calls, contextIn(pod, path), { recorded: results });
    expect(readFileSync(log, 'utf8').trim().split('\n').sort()).toEqual(['net1', 'net1-2', 'net1-3']);
    expect(await namesIn(pod)).toEqual([]);
  });

  test('a link of the same name with another MAC stays', async () => {
    const pod = spaces.add();
    const calls = callsOn(['eth1']);
    const results = await addAll(delegates, look, calls, contextIn(pod));
    spaces.ip(pod, 'link', 'set', 'net1', 'address', '02:00:00:00:00:09');
    await delAll(delegates, look, calls, contextIn(pod), { recorded: results });
    expect(await namesIn(pod)).toEqual(['net1']);
  });

  test('a DEL that fails is an error while its link is there, and none once it is gone', async () => {
    const pod = spaces.add();
    const calls = callsOn(['eth1', 'eth2']);
    const results = await addAll(delegates, look, calls, contextIn(pod));
    const failing = wrapped(`[ $CNI_IFNAME = net1 ] && { echo '{"code":5,"msg":"no"}'; exit 1; }; ${real}`);
    await expect(delAll(delegates, look, calls, contextIn(pod, failing), { recorded: results })).rejects.toMatchObject({
      code: 5,
      message: 'NIC eth1: macvlan DEL failed: no',
    });
    expect(await namesIn(pod)).toEqual(['net1']);
    const grumbling = wrapped(`${real.replace('exec ', '')}; echo '{"code":5,"msg":"no"}'; exit 1`);
    await delAll(delegates, look, calls, contextIn(pod, grumbling), { recorded: results });
    expect(await namesIn(pod)).toEqual([]);
  });

  test('an IPAM plugin that keeps books is asked even without a namespace', async () => {
    const log = join(folder, 'books');
    const path = wrapped(`echo $CNI_COMMAND >> ${log}`);
    const [call] = callsOn(['eth1']);
    if (call === undefined) throw new Error('no call');
    const booked = { ...call, config: { ...call.config, ipam: { type: 'host-local' } } };
    await delAll(delegates, look, [booked], contextIn('', path));
    expect(readFileSync(log, 'utf8')).toBe('DEL\n');
  });
});
