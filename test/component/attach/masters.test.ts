import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, networkCall, plansText, type World } from '../../support/attach/world.ts';
import { ipvlanKernel, runThere } from '../../support/ipvlan-kernel.ts';

const networks = ['bridge', 'private', 'vepa'] as const;

let world: World;
let harness: Harness;
beforeAll(async () => {
  world = createWorld(2);
  harness = await world.start({
    plans: plansText(
      networks.map((mode, index) => ({
        network: mode,
        mode,
        blocks: { eth1: [`10.${index}.1.0/28`], eth2: [`10.${index}.2.0/28`] },
      })),
    ),
  });
});
afterAll(async () => world.end());

test('first ADDs of three networks in three modes, at once, on empty masters: one network wins, the others are told why', async () => {
  for (let round = 0; round < 5; round += 1) {
    const calls = networks.flatMap((network) =>
      [0, 1].map((pod) => callOf('ADD', { network, container: `${network}-${pod}`, netns: world.pod() })),
    );
    const outcomes = await Promise.allSettled(calls.map((call) => harness.call(call)));
    const { records } = await harness.look();
    const winners = new Set(records.map(({ key }) => key.network));
    expect(winners.size).toBe(1);
    expect(records).toHaveLength(2);
    const [winner = ''] = winners;
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue;
      expect(outcome.reason).toMatchObject({ code: code.nicConflict });
      expect(outcome.reason.message).toContain(`NIC eth1 as macvlan`);
      expect(outcome.reason.message).toContain(`network ${winner} uses it as macvlan ${winner}`);
    }
    const links = await Promise.all(calls.map(({ netns }) => world.links(netns)));
    expect(links.flat().map(({ mode }) => mode)).toEqual(Array(4).fill(winner));
    await Promise.all(networks.map((network) => harness.call(networkCall('GC', network, []))));
    expect((await harness.look()).counts).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  }
});

test('ipvlan: a master never changes its mode or kind under pods, whose pings go on', (ctx) => {
  const kernel = ipvlanKernel();
  if ('missing' in kernel) {
    ctx.skip(kernel.missing);
    return;
  }
  const program = fileURLToPath(new URL('../../support/attach/ipvlan-masters.ts', import.meta.url));
  expect(runThere(kernel, program)).toEqual({
    winners: 1,
    refused: 2,
    talk: [0, 0],
    tries: [104],
    pings: '40/40/0%',
    modes: ['l3'],
    afterwards: 0,
    besideForeign: 104,
    withoutForeign: 0,
    left: [0, 0, 0],
  });
});
