import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, networkCall, plansText, type World } from '../../support/attach/world.ts';

const count = 64;
const nics = ['eth1', 'eth2', 'eth3', 'eth4'];
const blocks = Object.fromEntries(nics.map((nic, index) => [nic, [`10.5.${index}.0/25`]]));

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(nics.length);
  harness = await world.start({ plans: plansText([{ network: 'red', blocks }]) });
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
