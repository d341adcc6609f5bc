import { afterAll, beforeAll, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { ContainerCall } from '../../../src/cni/types.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(2);
  harness = await world.start({
    plans: plansText([
      {
        network: 'bridged',
        delegation: { pluginType: 'bridge', binding: 'none' },
        blocks: { eth1: ['10.0.1.0/28'], eth2: ['10.0.2.0/28'] },
      },
      { network: 'alone', mode: 'passthru', blocks: { eth1: ['10.1.1.0/28'] } },
    ]),
  });
});
afterAll(async () => world.end());

function bridgeCall(verb: ContainerCall['verb'], container: string, netns: string): ContainerCall {
  const call = callOf(verb, { network: 'bridged', container, netns });
  return { ...call, conf: { ...call.conf, plugin: { type: 'bridge', bridge: 'br-pods', promiscMode: true } } };
}

test('bridge: an interface for each NIC with an address of its block, pods reach each other, nothing is left', async () => {
  const pods = [world.pod(), world.pod()];
  for (const [index, pod] of pods.entries()) await harness.call(bridgeCall('ADD', `b${index}`, pod));
  const [first = '', second = ''] = pods;
  const links = await world.links(first);
  expect(links.map(({ name, kind }) => [name, kind])).toEqual([
    ['net1', 'veth'],
    ['net1-1', 'veth'],
  ]);
  const bridge = JSON.parse(world.exec(world.host, 'ip', '-json', 'link', 'show', 'master', 'br-pods'));
  expect(bridge).toHaveLength(4);
  // A refusal comes from the other pod: nothing listens there.
  for (const net of ['10.0.1', '10.0.2']) {
    expect(() => world.exec(second, 'timeout', '5', 'bash', '-c', `echo > /dev/tcp/${net}.1/9`)).toThrow(/refused/);
  }
  // The bridge takes the lowest MAC of its ports: what its plugin saw at ADD is no longer so.
  world.exec(
    world.host,
    'ip',
    'link',
    'add',
    'low',
    'address',
    '00:00:5e:00:53:01',
    'type',
    'veth',
    'peer',
    'low-peer',
  );
  world.exec(world.host, 'ip', 'link', 'set', 'low', 'master', 'br-pods');
  expect(world.exec(world.host, 'ip', 'link', 'show', 'br-pods')).toContain('00:00:5e:00:53:01');
  await harness.call(bridgeCall('CHECK', 'b0', first));
  world.exec(world.host, 'ip', 'link', 'delete', 'low');
  for (const [index, pod] of pods.entries()) await harness.call(bridgeCall('DEL', `b${index}`, pod));
  expect(await world.links(first)).toEqual([]);
  expect(JSON.parse(world.exec(world.host, 'ip', '-json', 'link', 'show', 'master', 'br-pods'))).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
});

test('macvlan passthru: one pod has the NIC alone, the next is told who; free again afterwards', async () => {
  const [one, two] = [world.pod(), world.pod()];
  await harness.call(callOf('ADD', { network: 'alone', container: 'p1', netns: one }));
  expect((await world.links(one)).map(({ mode }) => mode)).toEqual(['passthru']);
  await expect(harness.call(callOf('ADD', { network: 'alone', container: 'p2', netns: two }))).rejects.toMatchObject({
    code: code.nicConflict,
    message: expect.stringContaining('NIC eth1 as macvlan passthru, alone'),
  });
  expect(await world.links(two)).toEqual([]);
  await harness.call(callOf('DEL', { network: 'alone', container: 'p1', netns: one }));
  await harness.call(callOf('ADD', { network: 'alone', container: 'p2', netns: two }));
  await harness.call(callOf('DEL', { network: 'alone', container: 'p2', netns: two }));
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, masters: 0 });
});
