import { isObject } from '../../../src/cni/fields.ts';
import { quiet, refused } from '../answers.ts';
import { delegateOf, failWith, fakeDelegate } from '../fake-delegate.ts';
import { expect, type Statement } from '../statement.ts';
import { attach } from '../steps.ts';
import type { Json } from '../subject.ts';
import type { Trial } from '../trial.ts';
import { sinceCheck } from './versions.ts';

export const checkStatements: readonly Statement[] = [
  {
    id: 39,
    title: 'CHECK: well after ADD and with additions of others; an error when link, address, route or MTU is gone',
    versions: sinceCheck,
    run: looksAtAll,
  },
  {
    id: 40,
    title: "CHECK: an error without prevResult; calls each delegate's CHECK with its own prevResult",
    versions: sinceCheck,
    run: asksDelegates,
  },
];

/** Breaks one thing after the other, and mends it again, so that each error has its own cause. */
async function looksAtAll(trial: Trial): Promise<void> {
  const { pod, result, names } = await attach(trial);
  const config = { prevResult: result };
  const well = async (when: string) => quiet(await trial.call('CHECK', pod, { config }), `CHECK ${when}`);
  const ill = async (when: string) => refused(await trial.call('CHECK', pod, { config }), `CHECK ${when}`);
  const last = names.at(-1) ?? '';
  const link = (await pod.links()).find(({ name }) => name === last);
  const address = (await pod.ip('-o', '-4', 'addr', 'show', 'dev', last)).match(/inet (\S+)/)?.[1] ?? '';
  const route = (await pod.ip('-4', 'route', 'show', 'dev', last)).split('\n')[0]?.trim() ?? '';
  expect(link !== undefined && address !== '' && route !== '', `interface ${last} has no address or no route to it`);
  await well('directly after ADD');

  await pod.ip('link', 'add', 'extra0', 'type', 'bridge');
  // Children of one ipvlan master cannot have the same address.
  await pod.ip('addr', 'add', `10.99.${sinceCheck.indexOf(trial.version)}.1/24`, 'dev', last);
  await pod.ip('link', 'set', 'extra0', 'up');
  await pod.ip('route', 'add', '10.98.0.0/16', 'dev', last);
  await well('after others added a link, an address and a route');

  await pod.ip('link', 'set', 'dev', last, 'mtu', '1300');
  await ill('with another MTU');
  await pod.ip('link', 'set', 'dev', last, 'mtu', String(link?.mtu ?? 1500));
  await pod.ip('route', 'del', ...route.split(/\s+/).slice(0, 1), 'dev', last);
  await ill('without the route to the network of the address');
  await pod.ip('route', 'add', ...route.split(/\s+/).filter((word) => word !== 'linkdown'), 'dev', last);
  await well('after route and MTU were mended');

  await pod.ip('addr', 'del', address, 'dev', last);
  await ill('without the address');
  await pod.ip('link', 'del', last);
  await ill('without the link');
}

async function asksDelegates(trial: Trial): Promise<void> {
  const { kind } = delegateOf(trial);
  const recorder = fakeDelegate(trial, 'recorder');
  const { pod, result, names } = await attach(trial, { path: recorder.path });
  refused(await trial.call('CHECK', pod, { path: recorder.path }), 'CHECK without prevResult');
  const before = recorder.calls().length;
  const wish = { path: recorder.path, config: { prevResult: result } };
  quiet(await trial.call('CHECK', pod, wish), 'CHECK');
  const checks = recorder
    .calls()
    .slice(before)
    .filter(({ command }) => command === 'CHECK');
  const asked = checks.map(({ env }) => String(env['CNI_IFNAME'])).sort();
  expect(
    names.every((name) => asked.includes(name)),
    `CHECK was asked for ${asked.join() || 'nothing'}, not ${names.join()}`,
  );
  for (const { env, config } of checks) {
    const previous = config['prevResult'];
    const seen = kind === 'main' ? interfaceNames(previous) : names;
    const due = kind === 'main' ? [env['CNI_IFNAME']] : names;
    expect(
      isObject(previous) && seen.join() === due.join(),
      `prevResult for ${env['CNI_IFNAME']} is of ${seen.join() || 'nothing'}`,
    );
  }

  const idle = fakeDelegate(trial, 'idle', '[ "$CNI_COMMAND" = CHECK ] && exit 0');
  const second = await attach(trial, { path: idle.path });
  const idleWish = { path: idle.path, config: { prevResult: second.result } };
  quiet(await trial.call('CHECK', second.pod, idleWish), 'CHECK with a delegate whose CHECK does nothing');

  const failing = fakeDelegate(trial, 'failing', `[ "$CNI_COMMAND" = CHECK ] && ${failWith(142, 'a cable is loose')}`);
  const third = await attach(trial, { path: failing.path });
  const failingWish = { path: failing.path, config: { prevResult: third.result } };
  const { text } = refused(await trial.call('CHECK', third.pod, failingWish), "CHECK where a delegate's fails");
  expect(text.includes('a cable is loose'), `the delegate's message is lost: ${text}`);
}

/** Those in the container. */
function interfaceNames(result: unknown): readonly string[] {
  const list: unknown = isObject(result) ? result['interfaces'] : undefined;
  if (!Array.isArray(list)) return [];
  return list
    .filter((entry): entry is Json => isObject(entry) && entry['sandbox'] !== undefined)
    .map(({ name }) => String(name));
}
