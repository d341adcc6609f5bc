import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { callOf, pluginDirectory } from '../support/attach/world.ts';
import { type EnginePoint, plans } from './daemon-points.ts';

const real = 'printf %s "$in" | $REAL';
const die = 'echo > "${0%/*}/killed"; kill -9 $$';

/** Where a delegate is killed: shell that runs in it, with its input in `$in`. */
const places: readonly { readonly name: string; readonly script: string }[] = [
  ...['eth1', 'eth2'].flatMap((nic) => [
    { name: `ADD on ${nic} before its link`, script: on(`ADD*${nic}*`, die) },
    {
      name: `ADD on ${nic} with its link under a passing name`,
      script: on(
        `ADD*${nic}*`,
        `printf %s "$in" | CNI_IFNAME=veth0a1b2c3d $REAL > /dev/null; ip -n "\${CNI_NETNS##*/}" addr flush dev veth0a1b2c3d; ${die}`,
      ),
    },
    { name: `ADD on ${nic} with its link, before its answer`, script: on(`ADD*${nic}*`, `${real} >/dev/null; ${die}`) },
  ]),
  ...['before its link is deleted', 'after its link is deleted'].map((when) => ({
    name: `DEL of a failed ADD ${when}`,
    script: `in=$(cat); case "$CNI_COMMAND$in" in ADD*eth2*) exit 7;; DEL*eth1*) ${when.startsWith('after') ? `${real}; ` : ''}${die};; esac; ${real}`,
  })),
];

function on(pattern: string, script: string): string {
  return `in=$(cat); case "$CNI_COMMAND$in" in ${pattern}) ${script};; esac; ${real}`;
}

export function delegatePoints(): EnginePoint[] {
  return places.map(({ name, script }) => ({
    victim: 'delegate',
    name,
    async run({ world, netns, container }) {
      const harness = await world.start({ plans });
      const folder = world.delegate('macvlan', script);
      const path = [folder, pluginDirectory];
      await harness.call(callOf('ADD', { network: 'red', container, netns, path })).catch(() => undefined);
      await harness.kill();
      if (!existsSync(join(folder, 'killed'))) throw new Error('no delegate came there: nothing was killed');
    },
  }));
}
