import { isOlder } from '../../../src/cni/versions.ts';
import { addressesOf, objectOf, quiet, refused, told } from '../answers.ts';
import { delegateOf, failWith, fakeDelegate } from '../fake-delegate.ts';
import { shapeProblems } from '../shape.ts';
import { expect, type Statement } from '../statement.ts';
import { attach, attachTo, daemonOf, detach, nothingLeft } from '../steps.ts';
import type { Trial } from '../trial.ts';
import { all } from './versions.ts';

export const addStatements: readonly Statement[] = [
  {
    id: 22,
    title: 'no such namespace: code 8 or 3, no address is lost',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      const run = await trial.call('ADD', pod, { env: { CNI_NETNS: '/run/netns/there-is-none' } });
      refused(run, 'ADD to a namespace that is not there', [3, 8]);
      await nothingLeft(trial, pod, 'after it');
    },
  },
  {
    id: 23,
    title: 'NIC k of n fails: NICs 1 to k get DEL, nothing stays, the error names NIC, message and code',
    versions: all,
    run: oneFails,
  },
  {
    id: 24,
    title: "a delegate's binary is missing: error names it and CNI_PATH, nothing stays",
    versions: all,
    async run(trial) {
      const { type } = delegateOf(trial);
      const pod = await trial.pod();
      const run = await trial.call('ADD', pod, { path: ['/run/nowhere', '/run/netns'] });
      const { text } = refused(run, 'ADD without the delegate');
      expect(text.includes(type), `the error does not name ${type}: ${text}`);
      expect(text.includes('/run/nowhere') && text.includes('/run/netns'), `the error does not say where: ${text}`);
      await nothingLeft(trial, pod, 'after it');
    },
  },
  {
    id: 25,
    title: 'a delegate prints rubbish or nothing, fails silently, dies, hangs: clear error in time, nothing stays',
    versions: all,
    run: misbehaves,
  },
  {
    id: 26,
    title: "a delegate's result of another version is converted",
    versions: all,
    async run(trial) {
      for (const other of ['0.3.1', '1.0.0'] as const) {
        const change = `[ "$CNI_COMMAND" = VERSION ] || in=$(printf '%s' "$in" | sed 's/"cniVersion":"[^"]*"/"cniVersion":"${other}"/')`;
        const fake = fakeDelegate(trial, `speaks-${other}`, change);
        const { pod, result } = await attach(trial, { path: fake.path });
        const problems = shapeProblems(result, trial.version);
        expect(problems.length === 0, `the delegate answered in ${other}: ${problems.join('; ')}`);
        expect(addressesOf(result).length > 0, `the delegate answered in ${other}: no address in the result`);
        await detach(trial, pod, 'DEL', { path: fake.path });
      }
    },
  },
  {
    id: 28,
    title: 'ADD again after a lost answer: the same addresses, or the old ones are free',
    versions: all,
    async run(trial) {
      const first = await attach(trial);
      const before = (await trial.subject.held(first.pod.id))?.length;
      const again = await attachTo(trial, first.pod);
      const after = await trial.subject.held(first.pod.id);
      expect(before === after?.length, `held before ${before}, now ${after?.join(', ')}`);
      const links = (await first.pod.links()).length;
      expect(links === again.names.length, `${links} links, the answer has ${again.names.length}`);
      const same = again.addresses.join() === first.addresses.join();
      expect(same || before !== undefined, `first ${first.addresses.join()}, then ${again.addresses.join()}`);
    },
  },
  {
    id: 31,
    title: 'no address left: a message with network, block and numbers, and no NIC keeps one',
    versions: all,
    run: exhausted,
  },
];

/** Undone as a whole when the second of three fails with a code that callers know. */
async function oneFails(trial: Trial): Promise<void> {
  const { kind } = delegateOf(trial);
  const several = trial.subject.several;
  const failing = several ? '[ "$master" = eth2 ] && [ "$CNI_COMMAND" = ADD ]' : '[ "$CNI_COMMAND" = ADD ]';
  const fake = fakeDelegate(trial, 'fails', `if ${failing}; then ${failWith(11, 'no luck today')}; fi`);
  const pod = await trial.pod();
  const { msg, text } = refused(await trial.call('ADD', pod, { nics: 3, path: fake.path }), 'ADD', [11]);
  expect(msg.includes('no luck today'), `the delegate's message is lost: ${msg}`);
  expect(!several || msg.includes('eth2'), `the NIC is not named: ${text}`);
  await nothingLeft(trial, pod, 'after the failed ADD');
  const started = fake.calls().filter(({ command }) => command === 'ADD');
  const undone = fake.calls().filter(({ command }) => command === 'DEL');
  const missing = started.filter(({ env }) => !undone.some((call) => call.env['CNI_IFNAME'] === env['CNI_IFNAME']));
  const names = missing.map(({ env }) => env['CNI_IFNAME']).join();
  expect(missing.length === 0, `the ${kind === 'ipam' ? 'IPAM plugin' : 'delegate'} got no DEL for ${names}`);
}

const misbehaviours: Readonly<Record<string, string>> = {
  'prints rubbish': 'echo this is not JSON; exit 0',
  'prints rubbish and fails': 'echo this is not JSON; exit 1',
  'prints a list': 'echo "[1]"; exit 0',
  'prints nothing': 'exit 0',
  'fails and says nothing': 'exit 3',
  'fails with words on stderr alone': 'echo "out of luck" >&2; exit 1',
  'dies by signal': 'kill -9 $$',
  'says that all is well without doing anything': `echo '{"cniVersion":"1.0.0"}'; exit 0`,
  hangs: 'exec sleep 200',
};

async function misbehaves(trial: Trial): Promise<void> {
  delegateOf(trial);
  // Side by side: the one that hangs decides how long it takes. On a slow kernel in parts, as each of them runs many programs.
  const all = Object.entries(misbehaviours).map((entry, index) => ({ entry, index }));
  const atOnce = trial.slowness > 1 ? 3 : all.length;
  for (let at = 0; at < all.length; at += atOnce) {
    const attempts = all
      .slice(at, at + atOnce)
      .map(({ entry: [what, script], index }) => misbehave(trial, what, script, index));
    const failed = (await Promise.allSettled(attempts)).find(({ status }) => status === 'rejected');
    if (failed?.status === 'rejected') throw failed.reason;
  }
}

async function misbehave(trial: Trial, what: string, script: string, index: number): Promise<void> {
  const limitMs = 40_000 * trial.slowness;
  const fake = fakeDelegate(trial, `odd-${index}`, `if [ "$CNI_COMMAND" = ADD ]; then ${script}; fi`);
  const pod = await trial.pod();
  const run = await trial.call('ADD', pod, { path: fake.path, nics: 1, limitMs });
  expect(!run.late, `the delegate ${what}: no answer within ${limitMs} ms`);
  const { msg } = refused(run, `the delegate ${what}`);
  expect(msg.length > 10, `the delegate ${what}: the message is "${msg}"`);
  await nothingLeft(trial, pod, `the delegate ${what}`);
}

async function exhausted(trial: Trial): Promise<void> {
  // Asked for once: each time it is another network.
  const config = trial.subject.config(trial.version, { network: 'tiny', nics: 2 });
  const pods = [await trial.pod(), await trial.pod()];
  for (const pod of pods) objectOf(await trial.call('ADD', pod, { config }), 'one of two ADDs');
  const third = await trial.pod();
  const { msg } = refused(await trial.call('ADD', third, { config }), 'the third ADD of two');
  expect(msg.includes(String(config['name'])), `the message does not name the network: ${msg}`);
  expect(/\d+\.\d+\.\d+\.\d+/.test(msg), `the message does not name the block: ${msg}`);
  expect(
    /\b2\b/.test(msg.replaceAll(/\d+\.\d+\.\d+\.\d+(\/\d+)?/g, '')),
    `the message does not say how many are in use: ${msg}`,
  );
  expect(!trial.subject.daemon || msg.includes(trial.host.name), `the message does not name the host: ${msg}`);
  await nothingLeft(trial, third, 'after it');
}

/** Only for a plugin with a daemon. */
export const daemonStatements: readonly Statement[] = [
  {
    id: 30,
    title: 'the daemon is down: code 11, or 50 from STATUS, in bounded time, nothing stays',
    versions: all,
    async run(trial) {
      const { hidden, impatient } = daemonOf(trial);
      const pod = await trial.pod();
      const away = { wrap: hidden, program: impatient, limitMs: 30_000 * trial.slowness };
      refused(await trial.call('ADD', pod, away), 'ADD without the daemon', [11]);
      await nothingLeft(trial, pod, 'after ADD without the daemon');
      const attached = await attachTo(trial, pod);
      if (!isOlder(trial.version, '0.4.0')) {
        const config = { prevResult: attached.result };
        refused(await trial.call('CHECK', pod, { ...away, config }), 'CHECK without the daemon', [11]);
      }
      if (trial.version === '1.1.0')
        refused(await trial.call('STATUS', undefined, away), 'STATUS without the daemon', [50]);
    },
  },
];

/** Counted once, over all versions at the same time. */
export const parallelStatements: readonly Statement[] = [
  {
    id: 29,
    alone: true,
    title: '64 ADDs at once never share an address',
    versions: [],
    async run(trial) {
      const { subject } = trial;
      const pods = await Promise.all(Array.from({ length: 64 }, () => trial.pod()));
      const runs = await Promise.all(
        pods.map((pod, index) => {
          const version = subject.versions[index % subject.versions.length] ?? trial.version;
          return trial.call('ADD', pod, { nics: 1, config: { cniVersion: version } });
        }),
      );
      const failed = runs.find(({ status }) => status !== 0);
      expect(failed === undefined, `one of 64 ADDs: ${failed === undefined ? '' : told(failed)}`);
      const given = runs.flatMap((run) => addressesOf(objectOf(run, 'ADD')));
      expect(given.length >= 64, `64 containers have ${given.length} addresses`);
      const twice = given.filter((address, index) => given.indexOf(address) !== index);
      expect(twice.length === 0, `given out twice: ${twice.slice(0, 5).join(', ')}`);
      const ends = await Promise.all(pods.map((pod) => trial.call('DEL', pod)));
      for (const end of ends) quiet(end, 'one of 64 DELs');
    },
  },
];
