import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOlder } from '../../../src/cni/versions.ts';
import { objectOf, quiet, refused, told } from '../answers.ts';
import { expect, type Statement } from '../statement.ts';
import { attach } from '../steps.ts';
import type { CallWish, Trial } from '../trial.ts';
import { all } from './versions.ts';

export const outputStatements: readonly Statement[] = [
  {
    id: 11,
    title: 'a failure: exit is not 0, one error object with the cniVersion of its configuration',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      const netns = { CNI_NETNS: '/run/netns/there-is-none' };
      const failures = [
        ['ADD to no namespace', await trial.call('ADD', pod, { env: netns })],
        ['ADD without container', await trial.call('ADD', pod, { env: { CNI_CONTAINERID: undefined } })],
        ['ADD with a wrong interface name', await trial.call('ADD', pod, { ifname: 'a/b' })],
        ['ADD of no network', await trial.call('ADD', pod, { config: { name: undefined } })],
        ['an unknown command', await trial.call('ADD', pod, { env: { CNI_COMMAND: 'FROB' } })],
      ] as const;
      for (const [what, run] of failures) {
        const { json } = refused(run, what);
        expect(json['cniVersion'] === trial.version, `${what}: cniVersion is ${JSON.stringify(json['cniVersion'])}`);
      }
    },
  },
  {
    id: 12,
    alone: true,
    title: 'a success: exit 0, JSON from ADD and VERSION, nothing from the others',
    versions: all,
    async run(trial) {
      objectOf(await trial.call('VERSION', undefined), 'VERSION');
      const { pod, result } = await attach(trial);
      if (!isOlder(trial.version, '0.4.0')) {
        quiet(await trial.call('CHECK', pod, { config: { prevResult: result } }), 'CHECK');
      }
      if (trial.version === '1.1.0') {
        quiet(await trial.call('STATUS', undefined), 'STATUS');
        const valid = { 'cni.dev/valid-attachments': [] };
        quiet(await trial.call('GC', undefined, { network: 'first', config: valid }), 'GC');
      }
      quiet(await trial.call('DEL', pod), 'DEL');
    },
  },
  {
    id: 13,
    title: 'no log on stdout; a closed or full stderr fails nothing',
    versions: all,
    async run(trial) {
      for (const [what, redirect] of [
        ['stderr is closed', '2>&-'],
        ['stderr is full', '2>/dev/full'],
      ] as const) {
        const pod = await trial.pod();
        const wish: CallWish = { wrap: ['sh', '-c', `exec "$0" "$@" ${redirect}`] };
        objectOf(await trial.call('ADD', pod, wish), `ADD while ${what}`);
        quiet(await trial.call('DEL', pod, wish), `DEL while ${what}`);
      }
    },
  },
  {
    id: 16,
    title: 'any working directory, a bare environment, stdin as pipe or file',
    versions: all,
    async run(trial) {
      for (const [what, wish] of oddPlaces(trial)) {
        const pod = await trial.pod();
        const run = await trial.call('ADD', pod, wish);
        expect(run.status === 0, `ADD ${what}: ${told(run)}`);
        quiet(await trial.call('DEL', pod, wish), `DEL ${what}`);
      }
    },
  },
];

/** The environment of every call here is bare: no HOME, PATH or LANG. */
function oddPlaces(trial: Trial): readonly (readonly [string, CallWish])[] {
  const file = join(trial.folder, 'stdin.json');
  const config = { cniVersion: trial.version, ...trial.subject.config(trial.version, {}) };
  writeFileSync(file, JSON.stringify(config));
  const gone = join(trial.folder, 'gone');
  const script = (text: string): CallWish => ({ wrap: ['sh', '-c', text] });
  return [
    ['in a folder that cannot be written', script('cd /proc/self && exec "$0" "$@"')],
    ['in a folder that is gone', script(`mkdir -p ${gone} && cd ${gone} && rmdir ${gone} && exec "$0" "$@"`)],
    ['with stdin from a file', { ...script(`exec "$0" "$@" < ${file}`), stdin: '' }],
  ];
}
