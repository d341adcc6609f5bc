import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const plans = plansText([{ network: 'red', blocks: { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] } }]);

let world: World;
let harness: Harness;
beforeEach(async () => {
  world = createWorld(2);
  harness = await world.start({ plans });
});
afterEach(async () => world.end());

const add = (container: string, netns: string) => harness.call(callOf('ADD', { network: 'red', container, netns }));
const containers = async () => (await harness.look()).records.map(({ key }) => key.containerID).sort();

test('a pod that vanished without DEL is released at the second look; one that lives never, whatever the API says', async () => {
  const [lives, vanished, unknown] = [world.pod(), world.pod(), world.pod()];
  await add('lives', lives);
  await add('vanished', vanished);
  await add('unknown', unknown);
  for (const netns of [vanished, unknown]) world.namespaces.remove(netns);

  // The API lies (an empty list): namespaces that stand are looked at, not believed away. It knows `unknown` still.
  expect(await harness.collect(['lives', 'vanished'])).toEqual({ released: [], failed: [] });
  expect((await harness.collect(['lives', 'vanished'])).released).toEqual(['red/vanished/net1']);
  expect(await containers()).toEqual(['lives', 'unknown']);
  expect((await world.links(lives)).length).toBe(2);
  const { counts } = await harness.look();
  expect(counts).toMatchObject({ attachments: 2, addresses: 4, masters: 4 });
});

test('nothing is released while the API is away, nor when it says otherwise in between', async () => {
  const pod = world.pod();
  await add('a', pod);
  world.namespaces.remove(pod);
  for (const said of [['a'], 'error', ['a'], [], ['a'], 'error', 'error'] as const) {
    expect((await harness.collect(said)).released, JSON.stringify(said)).toEqual([]);
  }
  await harness.collect(['a']);
  expect((await harness.collect(['a'])).released).toEqual(['red/a/net1']);
});

test('a container that another one of the same pod has replaced goes without the API', async () => {
  const [first, second] = [world.pod(), world.pod()];
  const pod = { namespace: 'default', name: 'web-0', uid: 'u' };
  await harness.call({ ...callOf('ADD', { network: 'red', container: 'one', netns: first }), pod });
  await harness.call({ ...callOf('ADD', { network: 'red', container: 'two', netns: second }), pod });
  expect((await harness.collect('error')).released).toEqual([]);
  world.namespaces.remove(first);
  await harness.collect('error');
  expect((await harness.collect('error')).released).toEqual(['red/one/net1']);
  expect(await containers()).toEqual(['two']);
  expect((await world.links(second)).length).toBe(2);
});

test('a node that booted: what could not be told at the start goes with its namespace, without the API', async () => {
  const pod = world.pod();
  await add('a', pod);
  await harness.kill();
  harness = await world.start({ plans, bootId: 'the-next-boot' });
  expect(await containers()).toEqual(['a']);
  world.namespaces.remove(pod);
  await harness.collect('error');
  expect((await harness.collect('error')).released).toEqual(['red/a/net1']);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0 });
});
