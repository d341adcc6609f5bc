import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../../../src/cni/fields.ts';
import { supportedVersions } from '../../../src/cni/types.ts';
import { isOlder } from '../../../src/cni/versions.ts';
import { objectOf, quiet } from '../answers.ts';
import { delegateOf, type FakeDelegate, failWith, fakeDelegate, type SeenCall } from '../fake-delegate.ts';
import { Broken, expect, NotApplicable, type Statement } from '../statement.ts';
import { attach, attachTo, detach, nothingLeft } from '../steps.ts';
import type { Trial } from '../trial.ts';
import { all } from './versions.ts';

export const delegationStatements: readonly Statement[] = [
  {
    id: 46,
    title: 'CNI_PATH is searched in order; folders, files that cannot be run and names with "/" are passed over',
    versions: all,
    run: searchesPath,
  },
  {
    id: 47,
    title: 'a delegate gets command, its own interface name, container, namespace and a complete configuration',
    versions: all,
    run: completeCalls,
  },
  {
    id: 48,
    title: "IP, MAC and GATEWAY of CNI_ARGS, args.cni.ips, runtimeConfig.ips and mac reach no NIC's delegate",
    versions: all,
    run: keepsToItself,
  },
  {
    id: 49,
    title: "a delegate's stderr is passed on or logged",
    versions: all,
    async run(trial) {
      delegateOf(trial);
      const token = `remark-${trial.version}-${Date.now()}`;
      const fake = fakeDelegate(trial, 'talks', `[ "$CNI_COMMAND" = VERSION ] || echo "${token} $CNI_COMMAND" >&2`);
      const pod = await trial.pod();
      const add = await trial.call('ADD', pod, { path: fake.path });
      objectOf(add, 'ADD');
      const del = await trial.call('DEL', pod, { path: fake.path });
      quiet(del, 'DEL');
      expect(fake.calls().length > 0, 'it was not run');
      const lost = () => {
        const text = `${add.stderr}${del.stderr}${trial.subject.daemon?.log() ?? ''}`;
        return fake.calls().find(({ command }) => !text.includes(`${token} ${command}`))?.command;
      };
      // A daemon may answer before it logs.
      for (let left = 100; left > 0 && lost() !== undefined; left -= 1) await sleep(50);
      expect(lost() === undefined, `what it said on ${lost()} is lost`);
    },
  },
  {
    id: 50,
    title: 'the plugin is killed in the middle of ADD, then DEL: nothing is left',
    versions: all,
    run: killed,
  },
];

async function searchesPath(trial: Trial): Promise<void> {
  const { type } = delegateOf(trial);
  const first = fakeDelegate(trial, 'first');
  const second = fakeDelegate(trial, 'second');
  const folder = join(trial.folder, 'folder');
  mkdirSync(join(folder, type), { recursive: true });
  const plain = fakeDelegate(trial, 'plain');
  chmodSync(plain.file, 0o644);
  const path = ['/run/nowhere', folder, plain.folder, first.folder, second.folder, ...trial.subject.path];
  const { pod } = await attach(trial, { path });
  await detach(trial, pod, 'DEL', { path });
  expect(first.calls().length > 0, 'the first one that can be run was not run');
  expect(second.calls().length === 0, 'the second was run too');

  const outside = join(trial.folder, 'outside');
  const proof = join(trial.folder, 'was-run');
  writeFileSync(outside, `#!/bin/sh\n: > ${proof}\nexit 1\n`, { mode: 0o755 });
  const name = `../outside`;
  for (const config of [{ ipam: { type: name } }, { plugin: { type: name, ipam: { type: name } } }]) {
    const odd = await trial.pod();
    await trial.call('ADD', odd, { path: [folder, ...trial.subject.path], config });
    await trial.call('DEL', odd, { path: [folder, ...trial.subject.path], config });
    expect(!existsSync(proof), `a plugin named "${name}" was run`);
  }
}

async function completeCalls(trial: Trial): Promise<void> {
  const { kind } = delegateOf(trial);
  const fake = fakeDelegate(trial, 'recorder');
  const { pod, result, names } = await attach(trial, { path: fake.path });
  const withPrevious = !isOlder(trial.version, '0.4.0');
  const config = withPrevious ? { prevResult: result } : {};
  if (withPrevious) quiet(await trial.call('CHECK', pod, { path: fake.path, config }), 'CHECK');
  await detach(trial, pod, 'DEL', { path: fake.path, config });
  await nothingLeft(trial, pod, 'after DEL');
  for (const command of withPrevious ? ['ADD', 'CHECK'] : ['ADD']) calledFor(fake, command, names);
  // A plugin may undo by itself what a main plugin made; books are for the one who keeps them.
  if (kind === 'ipam') calledFor(fake, 'DEL', names);
  for (const call of fake.calls()) complete(trial, call, pod.id, fake.path, withPrevious && call.command !== 'ADD');

  const failing = fakeDelegate(trial, 'failing', `if [ "$CNI_COMMAND" = ADD ]; then ${failWith(999, 'no')}; fi`);
  const failed = await trial.pod();
  await trial.call('ADD', failed, { path: failing.path });
  for (const call of failing.calls()) complete(trial, call, failed.id, failing.path, false);
}

function calledFor(fake: FakeDelegate, command: string, names: readonly string[]): void {
  const calls = fake.calls().filter((call) => call.command === command);
  const seen = calls.map(({ env }) => String(env['CNI_IFNAME'])).sort();
  expect(seen.join() === names.toSorted().join(), `${command} was called for ${seen.join() || 'nothing'}`);
}

/** One call is as a runtime would have made it. */
function complete(trial: Trial, call: SeenCall, id: string, path: readonly string[], previous: boolean): void {
  const { type, kind } = delegateOf(trial);
  const { command, env, config } = call;
  const what = `${command} for ${env['CNI_IFNAME']}`;
  expect(env['CNI_CONTAINERID'] === id, `${what}: container ${env['CNI_CONTAINERID']}`);
  expect(env['CNI_NETNS'] === `/run/netns/${id}`, `${what}: namespace ${env['CNI_NETNS']}`);
  expect(env['CNI_PATH'] === path.join(':'), `${what}: CNI_PATH ${env['CNI_PATH']}`);
  expect(typeof config['name'] === 'string' && config['name'] !== '', `${what}: no name`);
  const version = supportedVersions.find((one) => one === config['cniVersion']);
  expect(version !== undefined && (version === trial.version || kind === 'main'), `${what}: cniVersion ${version}`);
  const typed = kind === 'main' ? config['type'] : isObject(config['ipam']) && config['ipam']['type'];
  expect(typed === type, `${what}: type ${String(typed)}`);
  const given = isObject(config['prevResult']);
  expect(given === previous, `${what}: prevResult is ${given ? 'there' : 'missing'}`);
}

async function keepsToItself(trial: Trial): Promise<void> {
  delegateOf(trial);
  if (!trial.subject.several) throw new NotApplicable('it makes one interface, so that all is meant for it');
  const { freshAddress } = trial.subject;
  if (freshAddress === undefined) throw new NotApplicable('no address is known that may be asked for');
  const wish = { network: 'second', nics: 2 } as const;
  const ip = freshAddress();
  // ipvlan can give none: asked for one, it would be right to refuse the pod.
  // Two links of one NIC cannot have the same; an ipvlan link has its NIC's.
  const own = `02:12:34:56:78:9${supportedVersions.indexOf(trial.version)}`;
  const mac = trial.subject.delegate?.type === 'ipvlan' ? undefined : own;
  const more = mac === undefined ? '' : `;MAC=${mac}`;
  const fake = fakeDelegate(trial, 'recorder');
  const pod = await trial.pod();
  const { args } = trial.subject.config(trial.version, wish);
  const cni = isObject(args) && isObject(args['cni']) ? args['cni'] : {};
  const run = await attachTo(trial, pod, {
    ...wish,
    path: fake.path,
    env: { CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAME=a;IP=${ip}${more};GATEWAY=10.77.77.77` },
    config: {
      args: { cni: { ...cni, ips: [ip] } },
      runtimeConfig: { ips: [ip], ...(mac === undefined ? {} : { mac }) },
    },
  });
  const holders = (await pod.links()).filter((link) => link.mac === mac);
  expect(holders.length < 2, `${holders.length} interfaces have the MAC that was asked for`);
  expect(mac === undefined || holders.length === 1, `no interface has the MAC ${mac} that was asked for`);
  expect(
    run.addresses.filter((address) => address === ip).length === 1,
    `asked for ${ip}, got ${run.addresses.join()}`,
  );
  for (const { env, stdin, config } of fake.calls()) {
    const leaked = ['IP', 'MAC', 'GATEWAY'].filter((key) => new RegExp(`(^|;)${key}=`).test(env['CNI_ARGS'] ?? ''));
    expect(leaked.length === 0, `CNI_ARGS of ${env['CNI_IFNAME']} has ${leaked.join(', ')}`);
    expect((env['CNI_ARGS'] ?? '').includes('K8S_POD_NAME=a'), `CNI_ARGS of ${env['CNI_IFNAME']} lost the rest`);
    const runtime = isObject(config['runtimeConfig']) ? config['runtimeConfig'] : {};
    expect(runtime['ips'] === undefined && runtime['mac'] === undefined, 'runtimeConfig.ips or mac went on');
    expect(!stdin.includes('"ips"'), 'args.cni.ips went on');
  }
}

/** Steps of a delegate's ADD at which the plugin above it is killed. */
const steps = ['before', 'after'] as const;

async function killed(trial: Trial): Promise<void> {
  delegateOf(trial);
  for (const step of steps) {
    const fake = fakeDelegate(trial, `kill-${step}`, killScript(step));
    const pod = await trial.pod();
    let kill = () => {};
    const adding = trial.call('ADD', pod, { path: fake.path, nics: 2, started: (it) => (kill = it) });
    await appears(join(fake.folder, 'reached'), adding, 30_000 * trial.slowness);
    kill();
    await detach(trial, pod, `DEL after a kill ${step} the delegate`, { path: fake.path, nics: 2 });
    await nothingLeft(trial, pod, `killed ${step} the delegate, after DEL`);
    // A delegate that outlived its caller would show up now.
    await sleep(500 + 100 * trial.slowness);
    await nothingLeft(trial, pod, `killed ${step} the delegate, a while after DEL`);
    await adding;
  }
}

function killScript(step: (typeof steps)[number]): string {
  const stop = ': > "$notes/../reached"; sleep 0.4';
  if (step === 'before') return `if [ "$CNI_COMMAND" = ADD ]; then ${stop}; fi`;
  return `if [ "$CNI_COMMAND" = ADD ]; then printf '%s' "$in" | "$real"; status=$?; ${stop}; exit $status; fi`;
}

async function appears(file: string, running: Promise<unknown>, limitMs: number): Promise<void> {
  let ended = false;
  running.finally(() => (ended = true)).catch(() => undefined);
  for (const end = performance.now() + limitMs; !existsSync(file); await sleep(5)) {
    if (ended || performance.now() > end) throw new Broken('ADD did not get as far as its delegate');
  }
}
