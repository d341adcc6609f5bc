import { isObject } from '../../../src/cni/fields.ts';
import { objectOf, quiet, refused } from '../answers.ts';
import { delegateOf, failWith, fakeDelegate, speaksNewest } from '../fake-delegate.ts';
import type { Run } from '../run-program.ts';
import { expect, type Statement } from '../statement.ts';
import { type Attached, attach, daemonOf, nothingLeft, requireVersion } from '../steps.ts';
import type { Json } from '../subject.ts';
import type { CallWish, Trial } from '../trial.ts';
import { newest } from './versions.ts';

/** Verbs about a network, not about a container: STATUS and GC. */
export const networkStatements: readonly Statement[] = [
  {
    id: 41,
    alone: true,
    title: 'STATUS: 0 when an ADD would be served, 50 with the reason when not, within 1 s',
    versions: newest,
    run: status,
  },
  {
    id: 42,
    alone: true,
    title: 'STATUS: delegates that do not speak 1.1.0 do no harm',
    versions: newest,
    async run(trial) {
      requireVersion(trial, '1.1.0');
      delegateOf(trial);
      const old = `if [ "$CNI_COMMAND" = VERSION ]; then
  echo '{"cniVersion":"1.0.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0"]}'; exit 0
fi
if [ "$CNI_COMMAND" = STATUS ]; then ${failWith(1, 'what is STATUS?')}; fi`;
      const fake = fakeDelegate(trial, 'old', old);
      quiet(await trial.call('STATUS', undefined, { path: fake.path }), 'STATUS with an old delegate');
    },
  },
  {
    id: 43,
    alone: true,
    title: 'GC: removes what is not listed, keeps what is, leaves other networks alone',
    versions: newest,
    async run(trial) {
      requireVersion(trial, '1.1.0');
      const kept = await attach(trial, { network: 'first' });
      const stale = await attach(trial, { network: 'first' });
      const other = await attach(trial, { network: 'second' });
      quiet(await gc(trial, [kept]), 'GC');
      await nothingLeft(trial, stale.pod, 'after GC');
      for (const { pod, names } of [kept, other]) await stands(pod, names);
    },
  },
  {
    id: 44,
    alone: true,
    title: 'GC: without a list nothing is removed, an empty one removes all of the network',
    versions: newest,
    async run(trial) {
      requireVersion(trial, '1.1.0');
      const one = await attach(trial, { network: 'first' });
      const other = await attach(trial, { network: 'second' });
      const run = await trial.call('GC', undefined, { network: 'first' });
      if (run.status !== 0) refused(run, 'GC without a list');
      await stands(one.pod, one.names);
      quiet(await gc(trial, []), 'GC with an empty list');
      await nothingLeft(trial, one.pod, 'after GC with an empty list');
      await stands(other.pod, other.names);
    },
  },
  {
    id: 45,
    alone: true,
    title: 'GC: forwarded to delegates with their list, goes on after an error, reports all',
    versions: newest,
    run: forwardsGc,
  },
];

function gc(trial: Trial, valid: readonly Attached[], wish: CallWish = {}): Promise<Run> {
  const list = valid.map(({ pod }) => ({ containerID: pod.id, ifname: 'net1' }));
  const config = { 'cni.dev/valid-attachments': list, 'cni.dev/attachments': list };
  return trial.call('GC', undefined, { network: 'first', config, ...wish });
}

async function stands(pod: Attached['pod'], names: readonly string[]): Promise<void> {
  const links = (await pod.links()).map(({ name }) => name);
  const gone = names.filter((name) => !links.includes(name));
  expect(gone.length === 0, `GC took away ${gone.join()} of a container that it must leave alone`);
}

/** Any answer may be late on a busy machine, on which VERSION, that costs nothing, takes its time too: one of a few has to be in time. */
async function answeredSoon(trial: Trial, what: string, wish?: CallWish): Promise<Run> {
  for (let left = 5; ; left -= 1) {
    const run = await trial.call('STATUS', undefined, wish);
    const limit = 1000 * trial.slowness + 20 * (await trial.call('VERSION', undefined)).ms;
    if (run.ms < limit) return run;
    expect(left > 1, `${what} took ${Math.round(run.ms)} ms`);
  }
}

async function status(trial: Trial): Promise<void> {
  requireVersion(trial, '1.1.0');
  const soon = (what: string, wish?: CallWish) => answeredSoon(trial, what, wish);
  quiet(await soon('STATUS'), 'STATUS');
  const no = async (what: string, wish: CallWish, named = '') => {
    const { text } = refused(await soon(what, wish), what, [50, 51]);
    expect(text.includes(named), `${what}: the error does not say "${named}": ${text}`);
  };
  const { type } = delegateOf(trial);
  await no('STATUS without the delegate', { path: ['/run/nowhere'] }, type);
  const failing = fakeDelegate(
    trial,
    'ill',
    `${speaksNewest}
[ "$CNI_COMMAND" = STATUS ] && ${failWith(50, 'the switch is on fire')}`,
  );
  await no('STATUS where a delegate is not available', { path: failing.path }, 'the switch is on fire');
  const hanging = fakeDelegate(
    trial,
    'hangs',
    `${speaksNewest}
[ "$CNI_COMMAND" = STATUS ] && exec sleep 20`,
  );
  await no('STATUS where a delegate hangs', { path: hanging.path }, type);
  const well = fakeDelegate(
    trial,
    'well',
    `${speaksNewest}
[ "$CNI_COMMAND" = STATUS ] && exit 0`,
  );
  quiet(await trial.call('STATUS', undefined, { path: well.path }), 'STATUS where the delegate is available');
  expect(
    well.calls().some(({ command }) => command === 'STATUS'),
    "the delegate's STATUS was not called",
  );

  const daemon = daemonOf(trial);
  await no('STATUS without the daemon', { wrap: daemon.hidden });
  await no('STATUS of a network that is not there', { config: { name: 'no-such-network' } }, 'no-such-network');
  const config = trial.subject.config(trial.version, { network: 'tiny', nics: 1 });
  quiet(await trial.call('STATUS', undefined, { config }), 'STATUS of a network with room');
  for (const pod of [await trial.pod(), await trial.pod()]) objectOf(await trial.call('ADD', pod, { config }), 'ADD');
  await no('STATUS of a network without room', { config }, String(config['name']));
}

/** Each delegate fails, so that all errors can be looked for. */
async function forwardsGc(trial: Trial): Promise<void> {
  requireVersion(trial, '1.1.0');
  delegateOf(trial);
  const fails = `${speaksNewest}
[ "$CNI_COMMAND" = GC ] && ${failWith(999, 'cannot sweep under $master')}`.replace(
    'cannot sweep under $master',
    `cannot sweep under '"$master"'`,
  );
  const failing = fakeDelegate(trial, 'failing', fails);
  const kept = await attach(trial, { network: 'first', nics: 2, path: failing.path });
  const stale = await attach(trial, { network: 'first', nics: 2, path: failing.path });
  const { text } = refused(await gc(trial, [kept], { path: failing.path }), 'GC where delegates fail');
  await nothingLeft(trial, stale.pod, 'after GC');
  await stands(kept.pod, kept.names);
  const calls = failing.calls().filter(({ command }) => command === 'GC');
  expect(calls.length > 0, 'no delegate got GC');
  for (const nic of new Set(calls.map(({ config }) => String(config['master'])))) {
    expect(text.includes(`cannot sweep under ${nic}`), `the error of NIC ${nic} is not reported: ${text}`);
  }
  for (const { config } of calls) {
    const list = attachmentsOf(config);
    const missing = kept.names.filter((name) => !list.includes(`${kept.pod.id}/${name}`));
    expect(missing.length === 0, `the delegate's list lacks ${missing.join()}: ${list.join(', ')}`);
    expect(!list.some((entry) => entry.startsWith(stale.pod.id)), "the delegate's list has what was removed");
    expect(config['cniVersion'] === '1.1.0' && typeof config['name'] === 'string', 'the configuration is not complete');
  }
  const well = fakeDelegate(trial, 'well', `${speaksNewest}\n[ "$CNI_COMMAND" = GC ] && exit 0`);
  quiet(await gc(trial, [], { path: well.path }), 'GC where delegates do not fail');
  await nothingLeft(trial, kept.pod, 'after GC with an empty list');
}

function attachmentsOf(config: Json): string[] {
  const list = config['cni.dev/valid-attachments'];
  return Array.isArray(list)
    ? list.filter(isObject).map(({ containerID, ifname }) => `${String(containerID)}/${String(ifname)}`)
    : [];
}
