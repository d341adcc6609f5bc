import { rmSync } from 'node:fs';
import { isOlder } from '../../../src/cni/versions.ts';
import { quiet, refused } from '../answers.ts';
import { delegateOf, failWith, fakeDelegate } from '../fake-delegate.ts';
import { type Statement } from '../statement.ts';
import { attach, daemonOf, detach, noLinks, nothingHeld, nothingLeft, soonNothingLeft } from '../steps.ts';
import { all } from './versions.ts';

export const delStatements: readonly Statement[] = [
  {
    id: 32,
    title: 'DEL again, DEL without ADD, DEL after a failed ADD: 0',
    versions: all,
    async run(trial) {
      await detach(trial, await trial.pod(), 'DEL without ADD');
      const { pod } = await attach(trial);
      await detach(trial, pod);
      await nothingLeft(trial, pod, 'after DEL');
      await detach(trial, pod, 'the second DEL');
      const failed = await trial.pod();
      const env = { CNI_NETNS: '/run/netns/there-is-none' };
      refused(await trial.call('ADD', failed, { env }), 'ADD to no namespace');
      await detach(trial, failed, 'DEL after a failed ADD', { env });
    },
  },
  {
    id: 33,
    title: 'DEL without namespace (empty, unset, gone): 0, addresses are released',
    versions: all,
    async run(trial) {
      for (const [what, CNI_NETNS] of [
        ['empty', ''],
        ['unset', undefined],
        ['a path that is not there', '/run/netns/there-is-none'],
      ] as const) {
        const { pod } = await attach(trial);
        await detach(trial, pod, `DEL with CNI_NETNS ${what}`, { env: { CNI_NETNS } });
        await nothingHeld(trial, pod, `after DEL with CNI_NETNS ${what}`);
      }
      const { pod } = await attach(trial);
      await pod.remove();
      await detach(trial, pod, 'DEL after the namespace has gone');
      await nothingHeld(trial, pod, 'after DEL without the namespace');
    },
  },
  {
    id: 34,
    title: 'DEL without prevResult, with its own, and with one of another version: 0',
    versions: all,
    async run(trial) {
      const other = trial.version.startsWith('0.') ? '1.0.0' : '0.4.0';
      for (const [what, change] of [
        ['without prevResult', undefined],
        ['with prevResult', (result: object) => result],
        ['with a prevResult of another version', (result: object) => ({ ...result, cniVersion: other })],
        ['with an empty prevResult', () => ({})],
      ] as const) {
        const { pod, result } = await attach(trial);
        const config = change === undefined ? {} : { prevResult: change(result) };
        await detach(trial, pod, `DEL ${what}`, { config });
        await nothingLeft(trial, pod, `after DEL ${what}`);
      }
    },
  },
  {
    id: 35,
    title: 'DEL after the configuration was changed: releases what ADD took',
    versions: all,
    async run(trial) {
      for (const [what, config] of [
        ['without its plugin and ipam', { plugin: undefined, ipam: undefined, args: undefined, master: undefined }],
        [
          'of other NICs and addresses',
          { args: { cni: { masters: ['eth3'] } }, ipam: { type: 'static' }, mode: 'vepa' },
        ],
        ['damaged', { plugin: 7, ipam: [], args: 'none' }],
      ] as const) {
        const { pod } = await attach(trial);
        await detach(trial, pod, `DEL with a configuration ${what}`, { config });
        await nothingLeft(trial, pod, `after DEL with a configuration ${what}`);
      }
    },
  },
  {
    id: 36,
    title: 'DEL with a delegate that is missing or fails on NIC 1: the others are undone, addresses released',
    versions: all,
    async run(trial) {
      delegateOf(trial);
      const missing = fakeDelegate(trial, 'goes');
      const first = await attach(trial, { path: missing.path, nics: 3 });
      rmSync(missing.file);
      await trial.call('DEL', first.pod, { path: [missing.folder], nics: 3 });
      await nothingLeft(trial, first.pod, 'after DEL without the binary');

      const fails = `if [ "$CNI_COMMAND" = DEL ] && [ "$CNI_IFNAME" = net1 ]; then ${failWith(999, 'not now')}; fi`;
      const failing = fakeDelegate(trial, 'fails', fails);
      const second = await attach(trial, { path: failing.path, nics: 3 });
      await trial.call('DEL', second.pod, { path: failing.path, nics: 3 });
      await nothingLeft(trial, second.pod, 'after DEL with a failing delegate');
    },
  },
  {
    id: 37,
    title: 'DEL while the daemon is down: an error, or kept for later; never a silent leak',
    versions: all,
    async run(trial) {
      const { hidden } = daemonOf(trial);
      const { pod, result } = await attach(trial);
      const config = isOlder(trial.version, '0.4.0') ? {} : { prevResult: result };
      const run = await trial.call('DEL', pod, { wrap: hidden, config });
      if (run.status !== 0) {
        refused(run, 'DEL without the daemon');
        await detach(trial, pod, 'DEL once the daemon is there', { config });
      } else quiet(run, 'DEL without the daemon');
      await soonNothingLeft(trial, pod, 'after a DEL without the daemon, with it', 15_000 * trial.slowness);
    },
  },
  {
    id: 38,
    title: 'DEL twice at the same time: both 0',
    versions: all,
    async run(trial) {
      const { pod } = await attach(trial, { nics: 3 });
      const runs = await Promise.all([1, 2, 3].map(() => trial.call('DEL', pod)));
      for (const run of runs) quiet(run, 'one of three DELs at once');
      await noLinks(pod, 'after them');
      await nothingHeld(trial, pod, 'after them');
    },
  },
];
