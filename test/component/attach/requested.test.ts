import { mkdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { Harness } from '../../support/attach/client.ts';
import { callOf, createWorld, plansText, type World } from '../../support/attach/world.ts';

const blocks = { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] };
const plans = plansText([
  { network: 'red', blocks },
  { network: 'piped', blocks, delegation: { pluginType: 'bridge', binding: 'none' } },
  { network: 'flat', blocks, kind: 'ipvlan', mode: 'l2' },
]);
const [first, second] = ['02:00:5e:00:00:01', '02:00:5e:00:00:02'];

let world: World;
beforeAll(() => {
  world = createWorld(2);
});
afterAll(async () => world.end());

describe.each(['direct', 'delegates'] as const)('MACs that a pod asks for, by executor %s', (executor) => {
  let harness: Harness;
  let turn = 0;
  let attached: { network: string; container: string; netns: string }[] = [];
  beforeAll(async () => {
    const stateDir = `${world.folder}/${executor}`;
    mkdirSync(stateDir);
    harness = await world.start({ plans, executor, stateDir, socket: `${stateDir}/cni.sock` });
  });
  afterEach(async () => {
    for (const parts of attached) await harness.call(callOf('DEL', parts));
    attached = [];
  });
  const add = async (network: string, macs: readonly string[]) => {
    turn += 1;
    const parts = { network, container: `m${turn}`, netns: world.pod() };
    const result = await harness.call(callOf('ADD', { ...parts, request: { macs } }));
    attached.push(parts);
    return { parts, result, made: (await world.links(parts.netns)).map(({ mac }) => mac) };
  };

  test.each(['red', 'piped'])(
    'the first interface has the one of the annotation, the others their own: %s',
    async (network) => {
      const { parts, result, made } = await add(network, [first]);
      expect(made[0]).toBe(first);
      expect(made[1]).not.toBe(first);
      expect(result?.interfaces.filter(({ sandbox }) => sandbox !== undefined).map(({ mac }) => mac)).toEqual(made);
      await harness.call(callOf('CHECK', parts));
      await harness.call(callOf('DEL', parts));
      expect(await world.links(parts.netns)).toEqual([]);
    },
  );

  test('a list gives each interface its own; an empty one leaves it to the kernel', async () => {
    expect((await add('red', [second, first])).made).toEqual([second, first]);
    const { made } = await add('red', ['', '02:00:5e:00:00:03']);
    expect(made[1]).toBe('02:00:5e:00:00:03');
  });

  test('what cannot be is refused, and nothing is made', async () => {
    await expect(add('flat', [first])).rejects.toMatchObject({
      code: code.unsatisfiable,
      message: expect.stringMatching(/02:00:5e:00:00:01.*ipvlan/),
    });
    await expect(add('red', ['', '', first])).rejects.toMatchObject({
      code: code.unsatisfiable,
      message: expect.stringMatching(/3 interfaces.*gets 2/),
    });
    // Of a pod on the same NIC: the kernel says so.
    await add('red', ['02:00:5e:00:00:09']);
    await expect(add('red', ['02:00:5e:00:00:09'])).rejects.toThrow(/NIC eth1: macvlan ADD.*in use/);
  });
});
