import type { EnginePoint } from './daemon-points.ts';
import { aroundWork, type Killing, killedIn } from './delegate-points.ts';
import { inTime } from './patience.ts';
import { type Scene, scenes } from './scenes.ts';
import { die } from './stand-ins.ts';

/** The daemon and a plugin that it waits for die in one moment, the daemon first: nobody is there to undo. */
export function twoPoints(): EnginePoint[] {
  const { delegates, hostLocal, chain, lent } = scenes;
  const inAll = (scene: Scene, plugin: string, verbs?: readonly Killing['verb'][]): EnginePoint[] =>
    aroundWork(plugin, ['net1-1'], verbs).map((killing) => both(scene, killing));
  return [
    ...inAll(delegates, delegates.plugin, ['ADD']),
    ...inAll(hostLocal, 'host-local'),
    ...inAll(chain, 'bandwidth'),
    ...inAll(lent, lent.plugin),
  ];
}

function both(scene: Scene, killing: Killing): EnginePoint {
  return {
    victim: 'daemon and delegate',
    scene,
    name: `both, ${killing.name}`,
    async run(place) {
      await killedIn(place, killing, die(place.harness.pid));
      await inTime(place.harness.ended, 'the daemon lives: only the plugin was killed');
    },
  };
}
