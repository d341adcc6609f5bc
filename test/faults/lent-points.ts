import { setTimeout as sleep } from 'node:timers/promises';
import { steps } from '../../src/daemon/attach/deps.ts';
import { daemonPoints, type EnginePoint, killedAt } from './daemon-points.ts';
import { delegatePoint } from './delegate-points.ts';
import { type Place, placeCall, scenes } from './scenes.ts';
import { on, once, real } from './stand-ins.ts';

const scene = scenes.lent;

/** Where host-device is killed on the second NIC; the first is in the pod by then, or on its way. */
const killed: readonly { readonly name: string; readonly verb: 'ADD' | 'DEL'; readonly work: string }[] = [
  { name: 'ADD before it took the NIC', verb: 'ADD', work: '' },
  {
    name: 'ADD with the NIC in the pod under its own name',
    verb: 'ADD',
    work: 'ip link set dev eth2 netns "$CNI_NETNS"; ',
  },
  { name: 'ADD with the NIC in the pod, before its answer', verb: 'ADD', work: `${real} > /dev/null; ` },
  { name: 'DEL before it took the NIC out', verb: 'DEL', work: '' },
  {
    name: 'DEL with the NIC in the pod under its own name',
    verb: 'DEL',
    work: 'ip -n "${CNI_NETNS##*/}" link set dev net1-1 down; ip -n "${CNI_NETNS##*/}" link set dev net1-1 name eth2; ',
  },
  { name: 'DEL with the NIC on the host again', verb: 'DEL', work: `${real} > /dev/null; ` },
];

export function lentPoints(): EnginePoint[] {
  return [
    ...daemonPoints(scene),
    ...steps
      .filter((step) => step.startsWith('lent:'))
      .map((step): EnginePoint => {
        const run = (place: Place): Promise<void> => killedAt(step, place, comeAndGo);
        return { victim: 'daemon', scene, name: `DEL at ${step}`, run };
      }),
    ...killed.map(({ name, verb, work }) =>
      delegatePoint(scene, {
        name,
        verb,
        plugin: scene.plugin,
        script: (death) => on(`"${verb} net1-1"`, once(`${work}${death}`)),
      }),
    ),
  ];
}

/** The plugin fails to bring the NICs back, so that the daemon does; and it looks after them until all is as it was. */
async function comeAndGo(place: Place): Promise<void> {
  const stand = place.world.delegate(scene.plugin, '[ "$CNI_COMMAND" = DEL ] && exit 1; exec $REAL');
  const ask = (verb: 'ADD' | 'DEL'): Promise<unknown> => place.harness.call(placeCall(verb, place, stand));
  await ask('ADD').catch(() => undefined);
  await ask('DEL').catch(() => undefined);
  const isLent = async (): Promise<boolean> => {
    await place.harness.settleLent();
    return (await place.harness.look()).counts['lent'] !== 0;
  };
  // When it is dead, it does not answer any more.
  while (await isLent().catch(() => false)) await sleep(50);
}
