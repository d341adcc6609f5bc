import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { CniResult, NetworkCall } from '../../../src/cni/types.ts';
import { type Harness, Refused } from '../../support/attach/client.ts';
import {
  callOf,
  createWorld,
  type NetworkSpec,
  networkCall,
  plansText,
  pluginDirectory,
  stampNow,
  type World,
} from '../../support/attach/world.ts';

const networks: readonly NetworkSpec[] = [
  { network: 'red', blocks: { eth1: ['10.5.1.64/28'], eth2: ['10.5.2.64/28'], eth3: ['10.5.3.64/28'] } },
  { network: 'tiny', blocks: { eth1: ['10.6.1.4/31'], eth2: ['10.6.2.4/30'] } },
  {
    network: 'dual',
    blocks: { eth1: ['10.7.1.0/28', 'fd00:7:1::100/120'], eth2: ['10.7.2.0/28', 'fd00:7:2::100/120'] },
  },
  { network: 'six', blocks: { eth1: ['fd00:8:1::/80'], eth2: ['fd00:8:2::/80'] } },
  { network: 'gone', blocks: { eth1: ['10.9.1.0/28'] }, draining: true },
];

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(3);
  harness = await world.start({ plans: plansText(networks) });
});
// A test that failed must not make the others fail.
afterEach(async () => {
  await Promise.all(networks.map(({ network }) => harness.call(networkCall('GC', network, []))));
});
afterAll(async () => world.end());

const add = (network: string, container: string, netns: string, more = {}) =>
  harness.call(callOf('ADD', { network, container, netns, ...more }));
const del = (network: string, container: string, netns = '', more = {}) =>
  harness.call(callOf('DEL', { network, container, netns, ...more }));

/** The refusal of a call that must fail. */
async function refusal(call: Promise<unknown>): Promise<Refused> {
  const outcome = await call.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof Refused)) throw outcome;
  return outcome;
}

/** Nothing of any attachment is left in store, pools and the given pods. */
async function expectNothing(...pods: string[]): Promise<void> {
  const { counts, pools } = await harness.look();
  expect(counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  expect(pools.flatMap(({ allocations }) => allocations)).toEqual([]);
  for (const pod of pods) expect(await world.links(pod)).toEqual([]);
}

const addressesOf = (result: CniResult | undefined): string[] => result?.ips.map(({ address }) => address) ?? [];

describe('ADD and DEL', () => {
  test('every NIC of the network, as the kernel shows it; DEL leaves nothing', async () => {
    const pod = world.pod();
    const result = await add('red', 'a', pod);
    const links = await world.links(pod);
    expect(result?.interfaces).toEqual(
      ['net1', 'net1-1', 'net1-2'].map((name) => ({
        name,
        mac: links.find((link) => link.name === name)?.mac,
        mtu: 1500,
        sandbox: pod,
      })),
    );
    expect(result?.ips).toEqual([1, 2, 3].map((rail) => ({ address: `10.5.${rail}.64/24`, interface: rail - 1 })));
    expect(links.map(({ kind, up, lowerElsewhere }) => ({ kind, up, lowerElsewhere }))).toEqual(
      [1, 2, 3].map(() => ({ kind: 'macvlan', up: true, lowerElsewhere: true })),
    );
    expect(links.find(({ name }) => name === 'net1')?.altnames).toEqual(['net1-0']);
    const { records, pools } = await harness.look();
    expect(records).toMatchObject([{ state: 'ready', masters: [{ nic: 'eth1' }, { nic: 'eth2' }, { nic: 'eth3' }] }]);
    expect(pools.find(({ network }) => network === 'red')).toMatchObject({
      capacity: 16n,
      allocations: [{ address: '10.5.1.64', containerID: 'a', ifname: 'net1', pod: 'a' }],
    });
    expect(await del('red', 'a', pod)).toBeUndefined();
    await expectNothing(pod);
  });

  test('the NICs that the pod asks for, in its order; the address it asks for', async () => {
    const pod = world.pod();
    const request = { masters: ['eth3', 'eth1'], ips: ['10.5.1.70'] };
    const result = await add('red', 'a', pod, { request });
    expect(addressesOf(result)[1]).toBe('10.5.1.70/24');
    expect(addressesOf(result)[0]).toMatch(/^10\.5\.3\./);
    const second = await refusal(add('red', 'b', world.pod(), { request: { ips: ['10.5.1.70'] } }));
    expect(second.code).toBe(code.unsatisfiable);
    expect(second.message).toContain('10.5.1.70');
    await del('red', 'a', pod);
    await expectNothing(pod);
  });

  test('more pods at once than there are addresses share none; what does not fit is refused, whole', async () => {
    const pods = Array.from({ length: 6 }, () => world.pod());
    const outcomes = await Promise.allSettled(pods.map((pod, index) => add('tiny', `p${index}`, pod)));
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [addressesOf(outcome.value)] : []));
    expect(made).toHaveLength(2);
    expect(new Set(made.flat()).size).toBe(4);
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: code.exhausted });
      expect(outcome.reason.message).toMatch(
        /"tiny", host host-under-test, NIC eth1: block 10\.6\.1\.4\/31 .* of 2, 2 are in use/,
      );
    }
    expect((await harness.look()).counts).toMatchObject({ attachments: 2, addresses: 4 });
    await Promise.all(pods.map((pod, index) => del('tiny', `p${index}`, pod)));
    await expectNothing(...pods);
  });

  test('prevResult stays first', async () => {
    const pod = world.pod();
    const prevResult: CniResult = {
      interfaces: [{ name: 'eth0', sandbox: pod }],
      ips: [{ address: '10.244.0.5/24', interface: 0 }],
      routes: [],
      dns: {},
    };
    const result = await add('red', 'a', pod, { prevResult, request: { nics: 1 } });
    expect(result?.interfaces.map(({ name }) => name)).toEqual(['eth0', 'net1']);
    expect(result?.ips.map((ip) => ip.interface)).toEqual([0, 1]);
    await del('red', 'a', pod);
    await expectNothing(pod);
  });
});

describe('IPv6', () => {
  test.each([['dual'], ['six']])('%s: usable at once, deaf to router advertisements', async (network) => {
    const pod = world.pod();
    const result = await add(network, 'a', pod);
    const links = await world.links(pod);
    const families = network === 'dual' ? [4, 6] : [6];
    for (const link of links) {
      const global = link.addresses.filter(({ scope }) => scope === 'global');
      expect(global.map(({ address }) => address.family).sort((a, b) => a - b)).toEqual(families);
      expect(global.some(({ tentative }) => tentative)).toBe(false);
    }
    expect(result?.ips).toHaveLength(2 * families.length);
    const sysctls = world.exec(
      pod,
      'cat',
      '/proc/sys/net/ipv6/conf/net1/accept_ra',
      '/proc/sys/net/ipv6/conf/net1/autoconf',
    );
    expect(sysctls.trim().split('\n')).toEqual(['0', '0']);
    await del(network, 'a', pod);
    await expectNothing(pod);
  });
});

describe('ADD again', () => {
  test('the same answer, from memory of what is there', async () => {
    const pod = world.pod();
    const first = await add('red', 'a', pod);
    expect(await add('red', 'a', pod)).toEqual(first);
    expect((await harness.look()).counts).toMatchObject({ attachments: 1, addresses: 3 });
    await del('red', 'a', pod);
    await expectNothing(pod);
  });

  test.each([
    ['every link deleted', ['net1', 'net1-1', 'net1-2']],
    ['one link deleted', ['net1-1']],
  ])('%s: undone and made anew', async (_name, gone) => {
    const pod = world.pod();
    await add('red', 'a', pod);
    for (const name of gone) world.namespaces.ip(pod, 'link', 'del', name);
    const again = await add('red', 'a', pod);
    expect(again?.interfaces.map(({ name }) => name)).toEqual(['net1', 'net1-1', 'net1-2']);
    expect((await world.links(pod)).map(({ name }) => name).sort()).toEqual(['net1', 'net1-1', 'net1-2']);
    expect((await harness.look()).counts).toMatchObject({ attachments: 1, addresses: 3 });
    await harness.call(callOf('CHECK', { network: 'red', container: 'a', netns: pod }));
    await del('red', 'a', pod);
    await expectNothing(pod);
  });

  test('an address deleted: made anew', async () => {
    const pod = world.pod();
    const first = await add('red', 'a', pod);
    world.namespaces.ip(pod, 'addr', 'del', addressesOf(first)[1] ?? '', 'dev', 'net1-1');
    const again = await add('red', 'a', pod);
    expect(addressesOf(again)).not.toEqual(addressesOf(first));
    await del('red', 'a', pod);
    await expectNothing(pod);
  });

  test('in another namespace of the same path (its inode may be the same): the links are there', async () => {
    const pod = world.pod();
    await add('red', 'a', pod);
    world.recreate(pod);
    await add('red', 'a', pod);
    expect(await world.links(pod)).toHaveLength(3);
    await del('red', 'a', pod);
    await expectNothing(pod);
  });
});

describe('ADD refuses, and leaves nothing', () => {
  test.each<[string, number, RegExp, (pod: string) => Promise<unknown>]>([
    [
      'an unknown network',
      code.invalidConfig,
      /no network blue .*dual, gone, red, six, tiny/,
      (pod) => add('blue', 'a', pod),
    ],
    ['a draining network', code.tryAgainLater, /gone is being deleted/, (pod) => add('gone', 'a', pod)],
    [
      'an unknown NIC',
      code.unsatisfiable,
      /masters names eth9.*eth1, eth2, eth3/,
      (pod) => add('red', 'a', pod, { request: { masters: ['eth9'] } }),
    ],
    [
      'too many NICs',
      code.unsatisfiable,
      /asks for 4 NICs, 3 can be had/,
      (pod) => add('red', 'a', pod, { request: { nics: 4 } }),
    ],
    ['a missing namespace', code.invalidNetns, /\/run\/netns\/mn-none/, () => add('red', 'a', '/run/netns/mn-none')],
    ["the host's own namespace", code.invalidNetns, /host's own/, () => add('red', 'a', world.host)],
    ['a missing delegate', code.delegate, /macvlan .*\/nowhere/, (pod) => add('red', 'a', pod, { path: ['/nowhere'] })],
  ])('%s', async (_name, expected, message, call) => {
    const pod = world.pod();
    const refused = await refusal(call(pod));
    expect(refused.message).toMatch(message);
    expect(refused.code).toBe(expected);
    await expectNothing(pod);
  });

  test('an interface that is there already, which stays', async () => {
    const pod = world.pod();
    world.namespaces.ip(pod, 'link', 'add', 'net1-1', 'type', 'veth', 'peer', 'name', 'other');
    const before = await world.links(pod);
    const refused = await refusal(add('red', 'a', pod));
    expect(refused.message).toContain('net1-1');
    expect(await world.links(pod)).toEqual(before);
    expect((await harness.look()).counts).toMatchObject({ attachments: 0 });
  });

  test('while not ready; STATUS says the same', async () => {
    await harness.setReady('routes: not applied yet');
    const pod = world.pod();
    expect(await refusal(add('red', 'a', pod))).toMatchObject({ code: code.tryAgainLater });
    const status = await refusal(harness.call(networkCall('STATUS', 'red')));
    expect(status).toMatchObject({ code: code.notAvailable });
    expect(status.message).toContain('routes: not applied yet');
    await harness.setReady(true);
    expect(await harness.call(networkCall('STATUS', 'red'))).toBeUndefined();
    await expectNothing(pod);
  });

  test('when a DEL that started later was seen', async () => {
    const pod = world.pod();
    const stamp = stampNow();
    await del('red', 'a', pod);
    expect(await refusal(add('red', 'a', pod, { stamp }))).toMatchObject({ code: code.unknownContainer });
    await expectNothing(pod);
    await add('red', 'a', pod);
    await del('red', 'a', pod);
  });

  test.each([
    [
      'fails on the second NIC',
      'in=$(cat); case "$CNI_COMMAND$in" in ADD*eth2*) echo \'{"code":11,"msg":"no luck"}\'; exit 1;; esac; echo "$in" | $REAL',
      /NIC eth2: macvlan ADD failed: no luck/,
    ],
    [
      'makes its link and then fails on eth2',
      'in=$(cat); echo "$in" | $REAL; st=$?; case "$CNI_COMMAND$in" in ADD*eth2*) exit 7;; esac; exit $st',
      /eth2/,
    ],
    [
      'prints rubbish',
      'cat >/dev/null; [ "$CNI_COMMAND" = VERSION ] && exec $REAL; echo rubbish',
      /eth1.*JSON|VERSION/,
    ],
    [
      'says that all is well and makes nothing',
      'in=$(cat); [ "$CNI_COMMAND" = ADD ] && { echo \'{"cniVersion":"1.0.0"}\'; exit 0; }; echo "$in" | $REAL',
      /NIC eth1: macvlan ADD made no interface net1/,
    ],
    [
      'is ended when its link has a passing name',
      'in=$(cat); if [ "$CNI_COMMAND" = ADD ]; then echo "$in" | CNI_IFNAME=veth0a1b2c3d $REAL > /dev/null; ip -n "${CNI_NETNS##*/}" addr flush dev veth0a1b2c3d; kill -9 $$; fi; echo "$in" | $REAL',
      /SIGKILL/,
    ],
    ['dies by signal', 'in=$(cat); [ "$CNI_COMMAND" = ADD ] && kill -9 $$; echo "$in" | $REAL', /SIGKILL/],
  ])('a delegate that %s', async (_name, script, message) => {
    const pod = world.pod();
    const path = [world.delegate('macvlan', script), pluginDirectory];
    const refused = await refusal(add('red', 'a', pod, { path }));
    expect(refused.message).toMatch(message);
    await expectNothing(pod);
  });

  test('when the caller goes away: undone, also by the caller that never hears of it', async () => {
    const pod = world.pod();
    const path = [world.delegate('macvlan', '[ "$CNI_COMMAND" = ADD ] && sleep 60; exec $REAL'), pluginDirectory];
    const gone = new AbortController();
    const call = harness.call(callOf('ADD', { network: 'red', container: 'a', netns: pod, path }), gone.signal);
    const ended = call.catch((error: unknown) => error);
    while ((await harness.look()).counts['attachments'] === 0) await sleep(20);
    gone.abort();
    await ended;
    while ((await harness.look()).counts['attachments'] !== 0) await sleep(20);
    await expectNothing(pod);
  });
});

describe('DEL converges', () => {
  test('repeated, in parallel, without namespace, for something never added', async () => {
    const pod = world.pod();
    await add('red', 'a', pod);
    await Promise.all([del('red', 'a', pod), del('red', 'a', pod), del('red', 'a')]);
    await del('red', 'a', pod);
    await del('red', 'never', pod);
    await del('red', 'never');
    await del('unheard-of', 'never', '/run/netns/mn-none');
    await expectNothing(pod);
  });

  test('without namespace in the call: the record knows it', async () => {
    const pod = world.pod();
    await add('red', 'a', pod);
    await del('red', 'a');
    await expectNothing(pod);
  });

  test('with the namespace gone: the addresses come back', async () => {
    const pod = world.pod();
    await add('red', 'a', pod);
    world.namespaces.remove(pod);
    await del('red', 'a', pod);
    await expectNothing();
  });

  test('with the delegate gone, or failing: links and addresses go all the same', async () => {
    for (const script of [
      '[ "$CNI_COMMAND" = ADD ] && rm -f "$0"; exec $REAL',
      '[ "$CNI_COMMAND" = DEL ] && exit 1; exec $REAL',
    ]) {
      const pod = world.pod();
      const path = [world.delegate('macvlan', script)];
      await add('red', 'a', pod, { path, request: { nics: 1 } });
      await del('red', 'a', pod);
      await expectNothing(pod);
    }
  });

  test('one that started before the ADD is dropped', async () => {
    const pod = world.pod();
    const stamp = stampNow();
    const result = await add('red', 'a', pod);
    await del('red', 'a', pod, { stamp });
    expect(await add('red', 'a', pod)).toEqual(result);
    await del('red', 'a', pod);
    await expectNothing(pod);
  });

  test('with the network gone from the plan', async () => {
    const pod = world.pod();
    await add('red', 'a', pod);
    await harness.setPlans(plansText(networks.slice(1)));
    await del('red', 'a', pod);
    await harness.setPlans(plansText(networks));
    await expectNothing(pod);
  });

  test('without a record, what prevResult names by name and MAC goes, and nothing else', async () => {
    const pod = world.pod();
    for (const name of ['net1', 'net1-1', 'mine'])
      world.namespaces.ip(pod, 'link', 'add', name, 'type', 'veth', 'peer', 'name', `x${name}`);
    const links = await world.links(pod);
    const macOf = (name: string): string => links.find((link) => link.name === name)?.mac ?? '';
    const prevResult: CniResult = {
      interfaces: [
        { name: 'net1', mac: macOf('net1').toUpperCase(), sandbox: pod },
        { name: 'net1-1', mac: '02:00:00:00:00:01', sandbox: pod },
      ],
      ips: [],
      routes: [],
      dns: {},
    };
    await del('red', 'unknown', pod, { prevResult });
    const names = (await world.links(pod)).map(({ name }) => name).sort();
    expect(names).toEqual(['mine', 'net1-1', 'xmine', 'xnet1-1']);
    await expectNothing();
  });

  test('of a container whose path another container has by now: the other keeps its links', async () => {
    const pod = world.pod();
    await add('red', 'old', pod);
    world.recreate(pod);
    const result = await add('red', 'new', pod);
    await del('red', 'old', pod);
    await harness.call(callOf('CHECK', { network: 'red', container: 'new', netns: pod }));
    expect(await world.links(pod)).toHaveLength(result?.interfaces.length ?? 0);
    await del('red', 'new', pod);
    await expectNothing(pod);
  });
});

describe('CHECK', () => {
  test.each<[string, RegExp, (pod: string, result: CniResult) => void]>([
    ['a link is gone', /interface net1-2 is missing/, (pod) => world.namespaces.ip(pod, 'link', 'del', 'net1-2')],
    [
      'an address is gone',
      /address 10\.5\.2\.\d+\/24 is missing on interface net1-1/,
      (pod, result) => world.namespaces.ip(pod, 'addr', 'del', addressesOf(result)[1] ?? '', 'dev', 'net1-1'),
    ],
    [
      'a route is gone',
      /route to 10\.5\.2\.0\/24 on interface net1-1 is missing/,
      (pod) => world.namespaces.ip(pod, 'route', 'del', '10.5.2.0/24', 'dev', 'net1-1'),
    ],
    [
      'the MTU is another',
      /interface net1 has MTU 1400, not 1500/,
      (pod) => world.namespaces.ip(pod, 'link', 'set', 'net1', 'mtu', '1400'),
    ],
    ['the namespace is gone', /no network namespace/, (pod) => world.namespaces.remove(pod)],
  ])('fails when %s', async (_name, message, harm) => {
    const pod = world.pod();
    const result = await add('red', 'a', pod);
    const check = () => harness.call(callOf('CHECK', { network: 'red', container: 'a', netns: pod }));
    expect(await check()).toBeUndefined();
    if (result !== undefined) harm(pod, result);
    expect((await refusal(check())).message).toMatch(message);
    await del('red', 'a', pod);
  });

  test('takes what a chained plugin changed from prevResult, and asks each delegate with its own result', async () => {
    const pod = world.pod();
    const script = '[ "$CNI_COMMAND" = CHECK ] && exec cat > "$0.$CNI_IFNAME"; exec $REAL';
    const path = [world.delegate('macvlan', script), pluginDirectory];
    const result = await add('dual', 'a', pod, { path });
    world.namespaces.ip(pod, 'link', 'set', 'net1', 'mtu', '1400');
    const interfaces = result?.interfaces.map((one) => (one.name === 'net1' ? { ...one, mtu: 1400 } : one)) ?? [];
    const prevResult = { ...(result ?? { ips: [], routes: [], dns: {} }), interfaces };
    await harness.call(callOf('CHECK', { network: 'dual', container: 'a', netns: pod, prevResult }));
    for (const name of ['net1', 'net1-1']) {
      const seen: unknown = JSON.parse(readFileSync(`${path[0]}/macvlan.${name}`, 'utf8'));
      expect(seen).toMatchObject({ prevResult: { interfaces: [{ name }] } });
    }
    await del('dual', 'a', pod);
  });

  test('fails for what was never added', async () => {
    const check = harness.call(callOf('CHECK', { network: 'red', container: 'never', netns: world.pod() }));
    expect(await refusal(check)).toMatchObject({ code: code.unknownContainer });
  });
});

describe('STATUS', () => {
  test.each<[string, NetworkCall, RegExp]>([
    ['of a network that is not there', networkCall('STATUS', 'none'), /serves no network none/],
    ['of one that is being deleted', networkCall('STATUS', 'gone'), /gone is being deleted/],
    [
      'without delegates',
      { ...networkCall('STATUS', 'red'), path: ['/nowhere'] },
      /delegate macvlan is in no directory/,
    ],
  ])('is 50 %s', async (_name, call, message) => {
    expect(await refusal(harness.call(call))).toMatchObject({
      code: code.notAvailable,
      message: expect.stringMatching(message),
    });
  });

  test('is 50 as long as one block is full', async () => {
    expect(await harness.call(networkCall('STATUS', 'tiny'))).toBeUndefined();
    const pods = [world.pod(), world.pod()];
    for (const [index, pod] of pods.entries()) await add('tiny', `c${index}`, pod);
    const full = await refusal(harness.call(networkCall('STATUS', 'tiny')));
    expect(full.code).toBe(code.notAvailable);
    expect(full.message).toContain('NIC eth1: block 10.6.1.4/31 has no address left (2 of 2 in use, 0 resting)');
    expect(full.message).not.toContain('eth2');
    await del('tiny', 'c0');
    expect(await harness.call(networkCall('STATUS', 'tiny'))).toBeUndefined();
    await del('tiny', 'c1');
  });
});

test('GC removes what is not listed, of this network only, and nothing newer than itself', async () => {
  const pods = ['a', 'b', 'c', 'd'].map(() => world.pod());
  const [a = '', b = '', c = '', d = ''] = pods;
  await add('red', 'a', a);
  await add('red', 'b', b);
  await add('dual', 'c', c);
  const gc = networkCall('GC', 'red', [{ containerID: 'b', ifname: 'net1' }]);
  await add('red', 'd', d);
  await harness.call(gc);
  const left = (await harness.look()).records.map(({ key }) => `${key.network} ${key.containerID}`).sort();
  expect(left).toEqual(['dual c', 'red b', 'red d']);
  expect(await world.links(a)).toEqual([]);
  expect(await refusal(harness.call(networkCall('GC', 'red')))).toMatchObject({ code: code.invalidConfig });
  await harness.call(networkCall('GC', 'red', []));
  await harness.call(networkCall('GC', 'dual', []));
  await expectNothing(...pods);
});
