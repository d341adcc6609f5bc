import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { add, del, type EnginePoint } from './daemon-points.ts';
import { scenes } from './scenes.ts';

const real = 'printf %s "$in" | $REAL';
const die = 'echo > "${0%/*}/killed"; kill -9 $$';

/** Shell that does something else in one call, by `$CNI_COMMAND $CNI_IFNAME`; its input is in `$in`. */
function on(pattern: string, script: string): string {
  return `in=$(cat); case "$CNI_COMMAND $CNI_IFNAME" in ${pattern}) ${script};; esac; ${real}`;
}

/** The retry is not disturbed. */
function once(script: string): string {
  return `[ -e "\${0%/*}/killed" ] || { ${script}; }`;
}

const undone = (when: 'before' | 'after'): string => `${when === 'after' ? `${real}; ` : ''}${die}`;

/** Where a main plugin is killed. */
const places: readonly { readonly name: string; readonly script: string }[] = [
  ...['net1', 'net1-1'].flatMap((ifname) => [
    { name: `ADD of ${ifname} before its link`, script: on(`"ADD ${ifname}"`, die) },
    {
      name: `ADD of ${ifname} with its link under a passing name`,
      script: on(
        `"ADD ${ifname}"`,
        `printf %s "$in" | CNI_IFNAME=veth0a1b2c3d $REAL > /dev/null; ip -n "\${CNI_NETNS##*/}" addr flush dev veth0a1b2c3d; ${die}`,
      ),
    },
    {
      name: `ADD of ${ifname} with its link, before its answer`,
      script: on(`"ADD ${ifname}"`, `${real} >/dev/null; ${die}`),
    },
  ]),
  ...(['before', 'after'] as const).map((when) => ({
    name: `DEL of a failed ADD ${when} its link is deleted`,
    script: `in=$(cat); case "$CNI_COMMAND $CNI_IFNAME" in "ADD net1-1") exit 7;; "DEL net1") ${undone(when)};; esac; ${real}`,
  })),
];

/** Where a chained plugin is killed: before and after what it does, on one of the NICs. */
const chained = ['tuning', 'sbr', 'bandwidth'].flatMap((plugin) =>
  (['before', 'after'] as const).flatMap((when) =>
    (['ADD', 'DEL'] as const).map((verb) => ({
      plugin,
      verb,
      name: `${plugin} in ${verb}, ${when} its work`,
      script: on(`"${verb} net1-1"`, once(when === 'before' ? die : `${real} >/dev/null; ${die}`)),
    })),
  ),
);

export function delegatePoints(): EnginePoint[] {
  return [
    ...places.map(({ name, script }) => point(scenes.delegates, name, 'ADD', script, scenes.delegates.plugin)),
    ...chained.map(({ name, verb, plugin, script }) => point(scenes.chain, name, verb, script, plugin)),
  ];
}

function point(
  scene: EnginePoint['scene'],
  name: string,
  verb: 'ADD' | 'DEL',
  script: string,
  plugin: string,
): EnginePoint {
  return {
    victim: 'delegate',
    scene,
    name,
    async run(place) {
      const stand = place.world.delegate(plugin, script);
      await add(place, stand);
      if (verb === 'DEL') await del(place);
      if (!existsSync(join(stand, 'killed'))) throw new Error('no delegate came there: nothing was killed');
    },
  };
}
