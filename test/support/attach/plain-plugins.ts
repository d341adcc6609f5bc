import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import type { Harness } from './client.ts';
import { callOf, createWorld, plansText, pluginDirectory, type World } from './world.ts';

/** What came of a plugin that needs no NIC of the host, by the daemon. */
interface Seen {
  /** Name, kind and addresses of each link in the pod after ADD. */
  readonly links: readonly string[];
  /** `ok`, or why not: of the plugin's CHECK, and of the one after an address was taken away. */
  readonly check: string;
  readonly checkWithout: string;
  /** Links in the pod and records of the store after DEL. */
  readonly left: number;
}

/** Program for a kernel with tun and dummy: `plain-plugins.ts NAME=FOLDER…` prints one JSON object, by plugin. */
async function main(plugins: readonly string[]): Promise<void> {
  const world = createWorld(2);
  try {
    const pairs = plugins.map((pair) => pair.split('='));
    const harness = await world.start({
      plans: plansText(
        pairs.map(([plugin = ''], index) => ({
          network: `${plugin}s`,
          delegation: { pluginType: plugin === 'tap' ? 'tap' : 'dummy', binding: 'none' },
          blocks: {
            eth1: [`10.${index}.1.0/28`, `fd00:${index}:1::/64`],
            eth2: [`10.${index}.2.0/28`, `fd00:${index}:2::/64`],
          },
        })),
      ),
    });
    const seen: Record<string, Seen> = {};
    for (const [plugin = '', folder = ''] of pairs)
      seen[plugin] = await attachAndDetach(world, harness, plugin, folder);
    process.stdout.write(`${JSON.stringify(seen)}\n`);
  } finally {
    await world.end();
  }
}

async function attachAndDetach(world: World, harness: Harness, plugin: string, folder: string): Promise<Seen> {
  const parts = { network: `${plugin}s`, container: plugin, netns: world.pod(), path: [folder, pluginDirectory] };
  const call = (verb: 'ADD' | 'CHECK' | 'DEL') => harness.call(callOf(verb, parts));
  const verdict = () =>
    call('CHECK').then(
      () => 'ok',
      (error: unknown) => String(error),
    );
  await call('ADD');
  const links = (await world.links(parts.netns)).map(({ name, kind, addresses }) => {
    const global = addresses.filter(({ scope }) => scope === 'global');
    return [name, kind, ...global.map(({ address, prefix }) => formatInterfaceAddress(address, prefix.length))].join(
      ' ',
    );
  });
  const check = await verdict();
  world.exec(parts.netns, 'ip', '-4', 'addr', 'flush', 'dev', 'net1-1');
  const checkWithout = await verdict();
  await call('DEL');
  const { counts } = await harness.look();
  const left = (await world.links(parts.netns)).length + (counts['attachments'] ?? 0) + (counts['addresses'] ?? 0);
  return { links, check, checkWithout, left };
}

await main(process.argv.slice(2));
