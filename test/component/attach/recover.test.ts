import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import { formatAddress } from '../../../src/net/address.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const plans = plansText([{ network: 'red', blocks: { eth1: ['10.5.1.4/30'], eth2: ['10.5.2.4/30'] } }]);
const longRest = { cooldownMs: 3_600_000, floorMs: 3_600_000 };

let world: World;
beforeEach(() => {
  world = createWorld(2);
});
afterEach(async () => world.end());

const add = (harness: Harness, container: string, netns: string) =>
  harness.call(callOf('ADD', { network: 'red', container, netns }));
const del = (harness: Harness, container: string) => harness.call(callOf('DEL', { network: 'red', container }));

test('after a reboot what is gone is released, its addresses rest; what is still there stays', async () => {
  const first = await world.start({ plans });
  const stays = world.pod();
  const emptied = world.pod();
  const gone = world.pod();
  const kept = await add(first, 'stays', stays);
  await add(first, 'emptied', emptied);
  await add(first, 'gone', gone);
  await first.kill();
  world.recreate(emptied);
  world.namespaces.remove(gone);

  const same = await world.start({ plans });
  expect(same.recovery).toEqual({ orphans: 0, found: { pending: 0, ready: 3, deleting: 0 }, rebooted: 0, failed: [] });
  await same.kill();

  const second = await world.start({ plans, bootId: 'the-next-boot', cooldown: longRest });
  expect(second.recovery).toMatchObject({ rebooted: 2, failed: [] });
  const { records, pools } = await second.look();
  expect(records.map(({ key }) => key.containerID)).toEqual(['stays']);
  expect(records[0]?.result).toEqual(kept);
  expect(pools.map(({ allocations, resting }) => [allocations.length, resting])).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

test('released addresses rest over a restart, and an exhausted block counts them', async () => {
  const pod = world.pod();
  const first = await world.start({ plans, cooldown: longRest });
  const used = new Set<string>();
  for (let turn = 0; turn < 4; turn += 1) {
    for (const { address } of (await add(first, `c${turn}`, pod))?.ips ?? []) used.add(address);
    await del(first, `c${turn}`);
  }
  expect(used.size).toBe(8);
  await first.kill();
  const second = await world.start({ plans, cooldown: longRest });
  await expect(add(second, 'c', pod)).rejects.toMatchObject({
    code: code.exhausted,
    message: expect.stringMatching(/of 4, 0 are in use and 4 rest/),
  });
  await second.expire();
  await second.kill();
  const third = await world.start({ plans, cooldown: longRest });
  expect((await add(third, 'c', pod))?.ips).toHaveLength(2);
});

test('a DEL that cannot see whether links are left keeps record and addresses, and is tried again', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  const held = (await add(harness, 'a', pod))?.ips.map(({ address }) => address.split('/')[0]);
  const noLinks = join(world.folder, 'no-links');
  writeFileSync(noLinks, '');
  await expect(del(harness, 'a')).rejects.toThrow(/made to fail/);
  expect(await harness.retry()).toEqual([expect.stringMatching(/^red\/a\/net1: .*made to fail/)]);
  const { records } = await harness.look();
  expect(records).toMatchObject([{ state: 'deleting' }]);
  expect(records[0]?.addresses.map(({ address }) => formatAddress(address))).toEqual(held);
  await expect(harness.call(callOf('CHECK', { network: 'red', container: 'a', netns: pod }))).rejects.toMatchObject({
    code: code.tryAgainLater,
  });
  rmSync(noLinks);
  expect(await harness.retry()).toEqual([]);
  expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  expect(await world.links(pod)).toEqual([]);
});

test('what has rested is forgotten, and what still rests is not', async () => {
  const pod = world.pod();
  const first = await world.start({ plans, cooldown: longRest });
  await add(first, 'a', pod);
  await del(first, 'a');
  await first.retry();
  expect((await first.look()).counts).toMatchObject({ resting: 2, notes: 1 });
  await first.kill();
  const second = await world.start({ plans });
  await sleep(5);
  await second.retry();
  expect((await second.look()).counts).toMatchObject({ resting: 0, notes: 1 });
});

test('an ADD that fails and cannot be undone: ADD again goes on from there', async () => {
  const harness = await world.start({ plans });
  const pod = world.pod();
  const noLinks = join(world.folder, 'no-links');
  const path = [
    world.delegate('macvlan', `in=$(cat); [ "$CNI_COMMAND" = ADD ] && touch ${noLinks}; echo "$in" | $REAL`),
  ];
  await expect(harness.call(callOf('ADD', { network: 'red', container: 'a', netns: pod, path }))).rejects.toThrow(
    /made to fail/,
  );
  expect((await harness.look()).records).toMatchObject([{ state: 'deleting' }]);
  rmSync(noLinks);
  const result = await add(harness, 'a', pod);
  expect(result?.ips).toHaveLength(2);
  expect(await world.links(pod)).toHaveLength(2);
  expect((await harness.look()).counts).toMatchObject({ attachments: 1, addresses: 2, masters: 2 });
});
