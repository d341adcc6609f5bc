import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { flushCompileCache } from 'node:module';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CniError } from '../../../src/api/cni-error.ts';
import type { HostPlan, Nic } from '../../../src/api/host.ts';
import type { Call } from '../../../src/cni/types.ts';
import { createAttachEngine } from '../../../src/daemon/attach/engine.ts';
import { createDevicesOf } from '../../../src/daemon/devices/pod-devices.ts';
import { decodePlans } from '../../../src/daemon/plan/codec.ts';
import { createDelegates } from '../../../src/delegates/exec.ts';
import { ownerMark } from '../../../src/delegates/orphans.ts';
import { createIsReference } from '../../../src/delegates/reference.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { readText } from '../../../src/kernel/sysfs.ts';
import type { Kernel } from '../../../src/kernel/types.ts';
import { withLent } from '../../../src/nic/lent.ts';
import { deviceFacts, nicOf } from '../../../src/nic/nic.ts';
import { createLogger, silentLogger } from '../../../src/observe/logger.ts';
import { createLaunch } from '../../../src/spawner/spawner.ts';
import { openStore, originName } from '../../../src/store/open.ts';
import type { HarnessOptions, HarnessState } from './client.ts';
import { decode, encode } from './json.ts';

/**
 * The attachment engine as a process that a test may kill: store, kernel, delegates and engine composed as in the daemon, one
 * JSON request at a time on a unix socket. Argument: a file with HarnessOptions. Prints one line when it serves.
 */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('argument: options file');
const options = decode<HarnessOptions>(readFileSync(file, 'utf8'));

// As in the daemon: what it is killed with may still start what it was asked for.
const spawner = fileURLToPath(new URL('../../../build/spawner/spawner', import.meta.url));
const { launch } = createLaunch(spawner, ownerMark(options.stateDir));
const realKernel = createKernel({ launch });
const kernel: Kernel = {
  ...realKernel,
  // What a test puts into the folder may change under the engine.
  sysfs: (path) => readText(`${options.stateDir}/sys/${path}`) ?? options.sysfs?.[path] ?? realKernel.sysfs(path),
  bootId: () => options.bootId ?? realKernel.bootId(),
  // A kernel that cannot be asked, as long as a test wants it so.
  links: async (netns) => {
    if (netns !== undefined && existsSync(`${options.stateDir}/no-links`))
      throw new Error('ip: made to fail by the test');
    return realKernel.links(netns);
  },
  batchThenLinks: async (commands, netns, more) => {
    if (existsSync(`${options.stateDir}/no-links`)) throw new Error('ip: made to fail by the test');
    return realKernel.batchThenLinks(commands, netns, more);
  },
};
const { store, state } = openStore({ path: `${options.stateDir}/store.db`, bootId: kernel.bootId(), now: Date.now });
await store.set(originName, undefined);
const synced = store.synced.bind(store);
// A disk that takes its time, as long as a test wants it so.
store.synced = async () => {
  while (existsSync(`${options.stateDir}/slow-disk`)) await sleep(20);
  await synced();
};
let nics: readonly Nic[] = [];
const lookForNics = async (): Promise<void> => {
  nics = (await realKernel.links())
    .filter(({ name }) => name.startsWith('eth'))
    .map((link) =>
      nicOf(link, { ...deviceFacts(link.name, (path) => kernel.sysfs(path)), ...options.devices?.[link.name] }),
    );
};
await lookForNics();
let plans: ReadonlyMap<string, HostPlan> = decodePlans(options.plans);
let ready: true | string = true;
let killAt = options.killAt;
let occurrences = 0;
let phase: 'recovering' | 'serving' = 'recovering';

const engine = createAttachEngine({
  store,
  kernel,
  ...(options.executor === 'delegates' ? {} : { isReference: createIsReference({ launch }) }),
  delegates: createDelegates({
    owner: options.stateDir,
    launch,
    ...(options.delegateTimeoutMs === undefined ? {} : { timeoutMs: options.delegateTimeoutMs }),
  }),
  ...(options.limits === undefined ? {} : { limits: options.limits }),
  plans: () => plans,
  nics: () => withLent(nics, store.lent.values()),
  ...(options.podResources === undefined ? {} : { devicesOf: createDevicesOf(options.podResources) }),
  hostName: 'host-under-test',
  now: Date.now,
  ready: () => ready,
  log: options.verbose === true ? createLogger({ program: 'harness', level: 'debug' }) : silentLogger,
  cooldown: options.cooldown,
  onStep(step) {
    if (step !== killAt?.step || phase !== killAt.phase) return;
    occurrences += 1;
    if (occurrences === killAt.occurrence) process.kill(process.pid, 'SIGKILL');
  },
});
const recovery = await engine.recover();
phase = 'serving';

const requests: Readonly<Record<string, (body: string, gone: AbortSignal) => unknown>> = {
  '/call': (body, gone) => engine.handle(decode<Call>(body), gone),
  '/state': (): HarnessState => ({
    counts: store.counts(),
    records: [...store.attachments.values()],
    pools: [...plans.values()].flatMap(({ network, blocks }) =>
      blocks.map(({ interfaceIndex }) => ({ network, interfaceIndex, ...engine.poolUse(network, interfaceIndex) })),
    ),
  }),
  '/plans': (body) => void (plans = decodePlans(decode<string>(body))),
  '/ready': (body) => void (ready = decode<true | string>(body)),
  '/kill-at': (body) => {
    killAt = decode<NonNullable<HarnessOptions['killAt']>>(body);
    occurrences = 0;
  },
  '/retry': () => engine.retry(),
  '/settle': async () => {
    const problems = await engine.settleLent();
    await lookForNics();
    return problems;
  },
  '/collect': (body) => {
    const gone = decode<readonly string[] | 'error'>(body);
    return engine.collect(async ({ name }) => {
      if (gone === 'error') throw new Error('the API does not answer');
      return !gone.includes(name);
    });
  },
  '/expire': async () => store.expire(Number.MAX_SAFE_INTEGER, 0),
};

const server = createServer((request, response) => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const answer = async (): Promise<unknown> => {
    try {
      const work = requests[request.url ?? ''];
      if (work === undefined) throw new Error(`no such request: ${request.url}`);
      return { value: await work(await text(request), gone.signal) };
    } catch (error) {
      if (error instanceof CniError)
        return { error: { code: error.code, message: error.message, details: error.details } };
      return {
        error: {
          code: 0,
          message: error instanceof Error ? (error.stack ?? error.message) : String(error),
          details: '',
        },
      };
    }
  };
  void answer().then((value) => response.end(encode(value)));
});
// A test that ran out of time kills nothing: its process goes, and this one with it.
process.stdin.resume().once('end', () => process.exit());
// It is killed in the end, and then nothing is kept for the next start.
flushCompileCache();
server.listen(options.socket, () => process.stdout.write(`${encode({ state, recovery })}\n`));
