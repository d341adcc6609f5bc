import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { add, del, type EnginePoint } from './daemon-points.ts';
import type { Place, Scene } from './scenes.ts';
import { scenes } from './scenes.ts';
import { die, on, once, real } from './stand-ins.ts';

/** Where a plugin is killed, and what it has done by then. */
export interface Killing {
  readonly name: string;
  readonly verb: 'ADD' | 'DEL';
  /** Which program, of the main plugin, those chained to it, and the IPAM plugin. */
  readonly plugin: string;
  /** @param death shell that kills it, and perhaps others with it */
  readonly script: (death: string) => string;
}

const undone = (when: 'before' | 'after'): string => (when === 'after' ? `${real}; ` : '');

/** Before the link, half made, and made; in the DEL of a failed ADD. */
function ofMain(plugin: string): readonly Killing[] {
  const inAdd = (name: string, script: Killing['script']): Killing => ({ name, verb: 'ADD', plugin, script });
  return [
    ...['net1', 'net1-1'].flatMap((ifname) => [
      inAdd(`ADD of ${ifname} before its link`, (death) => on(`"ADD ${ifname}"`, death)),
      inAdd(`ADD of ${ifname} with its link under a passing name`, (death) =>
        on(
          `"ADD ${ifname}"`,
          `printf %s "$in" | CNI_IFNAME=veth0a1b2c3d $REAL > /dev/null; ip -n "\${CNI_NETNS##*/}" addr flush dev veth0a1b2c3d; ${death}`,
        ),
      ),
      inAdd(`ADD of ${ifname} with its link, before its answer`, (death) =>
        on(`"ADD ${ifname}"`, `${real} >/dev/null; ${death}`),
      ),
    ]),
    ...(['before', 'after'] as const).map((when) =>
      inAdd(
        `DEL of a failed ADD ${when} its link is deleted`,
        (death) =>
          `in=$(cat); case "$CNI_COMMAND $CNI_IFNAME" in "ADD net1-1") exit 7;; "DEL net1") ${undone(when)}${death};; esac; ${real}`,
      ),
    ),
  ];
}

const bothVerbs = ['ADD', 'DEL'] as const;

/** Before and after what a plugin does for a NIC. @param verbs macvlan's DEL is not called where its links are all that it leaves */
export function aroundWork(
  plugin: string,
  ifnames: readonly string[],
  verbs: readonly Killing['verb'][] = bothVerbs,
): readonly Killing[] {
  return ifnames.flatMap((ifname) =>
    (['before', 'after'] as const).flatMap((when) =>
      verbs.map((verb) => ({
        plugin,
        verb,
        name: `${plugin} in ${verb} of ${ifname}, ${when} its work`,
        script: (death: string) =>
          on(`"${verb} ${ifname}"`, once(when === 'before' ? death : `${real} >/dev/null; ${death}`)),
      })),
    ),
  );
}

export function delegatePoints(): EnginePoint[] {
  const { delegates, bySourceDelegates, chain } = scenes;
  return [
    ...ofMain(delegates.plugin).map((killing) => delegatePoint(delegates, killing)),
    ...aroundWork(bySourceDelegates.plugin, ['net1-1'], ['ADD']).map((killing) =>
      delegatePoint(bySourceDelegates, killing),
    ),
    ...['tuning', 'sbr', 'bandwidth'].flatMap((plugin) =>
      aroundWork(plugin, ['net1-1']).map((killing) => delegatePoint(chain, killing)),
    ),
  ];
}

export function delegatePoint(scene: Scene, killing: Killing): EnginePoint {
  const run = (place: Place): Promise<void> => killedIn(place, killing, die());
  return { victim: 'delegate', scene, name: killing.name, run };
}

/** ADD, and DEL where that is what shall be met, with the plugin that is killed. */
export async function killedIn(place: Place, { verb, plugin, script }: Killing, death: string): Promise<void> {
  const stand = place.world.delegate(plugin, script(death));
  await add(place, stand);
  if (verb === 'DEL') await del(place);
  if (!existsSync(join(stand, 'killed'))) throw new Error(`${plugin} was not called there: nothing was killed`);
}
