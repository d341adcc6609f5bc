import type { KubeObject } from '../../src/api/meta.ts';

/**
 * One program that follows all ConfigMaps: `follower.ts ours|projected|peer URL OBJECTS EVENTS`, with --expose-gc. Prints a line when it has
 * listed them, and one when it has seen that many events.
 */
const [side, url = '', objects = '0', events = '0'] = process.argv.slice(2);

export interface Listed {
  /** Heap for each object that is kept. */
  readonly bytesPerObject: number;
  /** From the program's start: imports, list. */
  readonly cpuMs: number;
  readonly rssMB: number;
}

export interface Followed {
  readonly cpuMs: number;
}

const heap = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};
const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const say = (line: Listed | Followed): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** Begins to follow, tells of each event, and resolves when everything has been listed. */
type Follow = (onEvent: () => void) => Promise<void>;

async function ours(project: (object: KubeObject) => unknown): Promise<Follow> {
  const { createClient } = await import('../../src/kube/calls/client.ts');
  const { silent } = await import('../../src/kube/logger.ts');
  const { startReflector } = await import('../../src/kube/copy/reflector.ts');
  const cluster = { server: url, tls: {}, authorization: () => Promise.resolve('Bearer secret') };
  const client = createClient({ cluster, userAgent: 'bench' });
  return async (onEvent) => {
    const reflector = startReflector({
      client,
      ref: { group: '', version: 'v1', plural: 'configmaps' },
      project,
      signal: new AbortController().signal,
      logger: silent,
    });
    await reflector.synced;
    reflector.onChange(({ old }) => {
      if (old !== undefined) onEvent();
    });
  };
}

async function peer(): Promise<Follow> {
  const { CoreV1Api, KubeConfig, makeInformer } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: 'bench', server: url, skipTLSVerify: true },
    { name: 'bench', token: 'secret' },
  );
  const api = config.makeApiClient(CoreV1Api);
  return async (onEvent) => {
    const informer = makeInformer(config, '/api/v1/configmaps', () => api.listConfigMapForAllNamespaces());
    informer.on('update', onEvent);
    await informer.start();
    while (informer.list().length < Number(objects)) await new Promise(setImmediate);
  };
}

const follow =
  side === 'peer' ? await peer() : await ours((object) => (side === 'projected' ? object.metadata.name : object));
const before = heap();
let left = Number(events);
let begun = 0;
await follow(() => {
  left -= 1;
  if (left > 0) return;
  say({ cpuMs: cpu() - begun });
  process.exit();
});
const listed = { cpuMs: cpu(), bytesPerObject: (heap() - before) / Number(objects) };
begun = cpu();
say({ ...listed, rssMB: process.memoryUsage().rss / 2 ** 20 });
