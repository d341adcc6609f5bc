import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import { type Harness, Refused } from '../../support/attach/client.ts';
import { callOf, createWorld, networkCall, plansText, type World } from '../../support/attach/world.ts';

const count = 64;
const nics = ['eth1', 'eth2', 'eth3', 'eth4'];
const blocks = Object.fromEntries(nics.map((nic, index) => [nic, [`10.5.${index}.0/25`]]));

/** One pod alone on each NIC: the NIC goes into the pod, or lets no second child be. */
const alone = [
  {
    network: 'lent',
    delegation: { pluginType: 'host-device', binding: 'device' },
    blocks: blocksOf([5, 6, 7, 8]),
  },
  { network: 'solo', mode: 'passthru', blocks: blocksOf([9, 10, 11, 12]) },
] as const;

function blocksOf(numbers: readonly number[]): Record<string, string[]> {
  return Object.fromEntries(numbers.map((number) => [`eth${number}`, [`10.6.${number}.0/25`]]));
}

const aloneName = /eth([5-9]|1[0-2])/;

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(12);
  harness = await world.start({ plans: plansText([{ network: 'red', blocks }, ...alone]) });
});
afterAll(async () => world.end());

interface Pod {
  readonly netns: string;
  readonly container: string;
}

const add = ({ container, netns }: Pod) => harness.call(callOf('ADD', { network: 'red', container, netns }));
const del = ({ container, netns }: Pod) => harness.call(callOf('DEL', { network: 'red', container, netns }));
const gc = (valid: readonly Pod[]) =>
  harness.call(
    networkCall(
      'GC',
      'red',
      valid.map(({ container }) => ({ containerID: container, ifname: 'net1' })),
    ),
  );

/** All addresses that pods carry, as the kernel has them: each pod one on each NIC, and none twice. */
async function expectEachItsOwn(pods: readonly Pod[]): Promise<void> {
  const everywhere: string[] = [];
  for (const { netns } of pods) {
    const carried = (await world.links(netns)).flatMap(({ addresses }) =>
      addresses.filter(({ address }) => address.family === 4),
    );
    expect(carried.map(({ prefix }) => formatInterfaceAddress({ family: 4, value: prefix.base }, 24)).sort()).toEqual(
      nics.map((_nic, index) => `10.5.${index}.0/24`),
    );
    everywhere.push(...carried.map(({ address }) => formatInterfaceAddress(address, 32)));
  }
  expect(new Set(everywhere).size).toBe(pods.length * nics.length);
  const { records, counts } = await harness.look();
  expect(records.map(({ state }) => state).filter((state) => state !== 'ready')).toEqual([]);
  expect(counts).toMatchObject({ attachments: pods.length, addresses: everywhere.length });
}

test('64 containers with 4 NICs at once, ADD and DEL mixed with GC: each has its own addresses, and nothing waits for ever', async () => {
  const pods = Array.from({ length: count }, (_, index) => ({ netns: world.pod(), container: `c${index}` }));
  // GC at the same time: one that started before an ADD leaves it alone, one that lists it too.
  await Promise.all([...pods.map(add), gc(pods), gc(pods)]);
  await expectEachItsOwn(pods);

  const half = (parity: number) => pods.filter((_pod, index) => index % 2 === parity);
  const stay = half(0);
  const again = half(1).map(({ netns, container }) => ({ netns, container: `${container}-again` }));
  const sequence = async (pod: Pod, index: number): Promise<void> => {
    // Of those that go, every other one is left to GC.
    if (index % 2 === 0) await del(pod);
  };
  await Promise.all([...half(1).map(sequence), gc(stay), gc(stay), ...stay.slice(0, 8).map(add)]);
  await expectEachItsOwn(stay);
  await Promise.all([...again.map(add), ...stay.slice(0, 16).map(del), gc([...stay, ...again])]);
  const now = [...stay.slice(16), ...again];
  await expectEachItsOwn(now);

  await Promise.all([gc([]), ...now.slice(0, 20).map(del)]);
  const { counts } = await harness.look();
  expect(counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  for (const { netns } of pods) expect(await world.links(netns)).toEqual([]);
});

/** NICs by MAC, with the container that has each. */
type Holders = Map<string, string>;

/** Nothing is held any more, and every NIC is on the host. */
async function expectAllHome(): Promise<void> {
  for (let turn = 0; turn < 100 && (await harness.look()).counts['lent'] !== 0; turn += 1) {
    await harness.settleLent();
    await sleep(50);
  }
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0, lent: 0 });
  const names = (await world.links(world.host)).map(({ name }) => name).filter((name) => name.startsWith('eth'));
  expect(names.toSorted()).toEqual(Array.from({ length: 12 }, (_, index) => `eth${index + 1}`).toSorted());
}

/** ADD of an attachment that wants all NICs of its network. @returns whether it got some */
async function tried(parts: { readonly network: string; readonly container: string; readonly netns: string }) {
  try {
    await harness.call(callOf('ADD', parts));
    return true;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    expect([code.tryAgainLater, code.nicConflict], error.message).toContain(error.code);
    expect(error.message).toMatch(aloneName);
    return false;
  }
}

test('64 containers at once, each for four NICs that one pod has alone, over and over, beside DEL and GC: no NIC twice', async () => {
  const crowd = Array.from({ length: count }, (_, index) => ({
    network: alone[index % 2]?.network ?? '',
    container: `all${index}`,
    netns: world.pod(),
  }));
  let holders: typeof crowd = [];
  let won = 0;
  for (let round = 0; round < 3; round += 1) {
    // Those that have them go while all others ask again: half of them by DEL, the others by GC.
    const leaving = holders;
    const left = crowd.filter((parts) => !leaving.includes(parts));
    const [got] = await Promise.all([
      Promise.all(left.map(tried)),
      ...leaving.filter((_parts, index) => index % 2 === 0).map((parts) => harness.call(callOf('DEL', parts))),
      ...alone.map(({ network }) =>
        harness.call(
          networkCall(
            'GC',
            network,
            left.map(({ container }) => ({ containerID: container, ifname: 'net1' })),
          ),
        ),
      ),
    ]);
    holders = left.filter((_parts, index) => got[index]);
    const links = (await Promise.all(crowd.map(({ netns }) => world.links(netns)))).flat();
    expect(new Set(links.map(({ mac }) => mac)).size).toBe(links.length);
    expect((await harness.look()).records.map(({ key }) => key.containerID).toSorted()).toEqual(
      holders.map(({ container }) => container).toSorted(),
    );
    expect((await harness.look()).counts).toMatchObject({ masters: links.length, addresses: links.length });
    for (const parts of holders) await harness.call(callOf('CHECK', parts));
    won += links.length;
    if (round === 0) expect(links).toHaveLength(8);
  }
  expect(won).toBeGreaterThan(8);
  for (const { network } of alone) await harness.call(networkCall('GC', network, []));
  for (const { netns } of crowd) expect(await world.links(netns)).toEqual([]);
  await expectAllHome();
});

/** Asks until it gets a NIC of its own, looks whose it is, and gives it back. @returns how often it was refused */
async function takeTurn(network: string, container: string, holders: Holders): Promise<number> {
  const netns = world.pod();
  const parts = { network, container, netns, request: { nics: 1 } };
  for (let refused = 0; ; refused += 1) {
    try {
      await harness.call(callOf('ADD', parts));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      expect(error.message).toMatch(aloneName);
      expect(await world.links(netns)).toEqual([]);
      await sleep(50 + Math.random() * 100);
      continue;
    }
    const [{ mac } = { mac: '' }, ...more] = await world.links(netns);
    expect(more).toEqual([]);
    expect(holders.get(mac), `${mac} of ${container}`).toBeUndefined();
    holders.set(mac, container);
    await harness.call(callOf('CHECK', parts));
    await sleep(20);
    holders.delete(mac);
    await harness.call(callOf('DEL', parts));
    expect(await world.links(netns)).toEqual([]);
    return refused;
  }
}

test('a crowd for NICs that one pod has alone, beside GC and a crowd that shares: none twice, each gets its turn', async () => {
  const holders: Holders = new Map();
  const sharing = Array.from({ length: 8 }, (_, index) => ({ netns: world.pod(), container: `beside${index}` }));
  const turns = alone.flatMap(({ network }) =>
    Array.from({ length: 6 }, (_, index) => takeTurn(network, `${network}${index}`, holders)),
  );
  const [refused] = await Promise.all([Promise.all(turns), ...sharing.map(add), gc(sharing)]);
  expect(refused.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  await Promise.all(sharing.map(del));
  for (const { network } of alone) await harness.call(networkCall('GC', network, []));
  await expectAllHome();
});
