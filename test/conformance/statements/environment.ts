import { supportedVersions } from '../../../src/cni/types.ts';
import { isOlder } from '../../../src/cni/versions.ts';
import { items, objectOf, refused, told } from '../answers.ts';
import { expect, type Statement } from '../statement.ts';
import type { Command, Trial } from '../trial.ts';
import { all, once } from './versions.ts';

/** Variables that a call cannot do without (CNI specification, section 2; CNI_PATH as the Go library has it). */
const required: Readonly<Partial<Record<Command, readonly string[]>>> = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
};

/** Commands that the trial's version has. */
function commandsOf({ version }: Trial): Command[] {
  const newer: Command[] = version === '1.1.0' ? ['CHECK', 'GC', 'STATUS'] : ['CHECK'];
  return ['ADD', 'DEL', ...(isOlder(version, '0.4.0') ? [] : newer)];
}

export const environmentStatements: readonly Statement[] = [
  {
    id: 1,
    title: 'without CNI_COMMAND: about text on stderr, exit 0',
    versions: once,
    async run(trial) {
      const run = await trial.call('ADD', undefined, {
        env: { CNI_COMMAND: undefined, CNI_PATH: undefined },
        stdin: '',
      });
      expect(run.status === 0, `without CNI_COMMAND: ${told(run)}`);
      expect(run.stdout === '', `stdout should be empty: ${told(run)}`);
      expect(run.stderr.trim() !== '', 'there is no about text on stderr');
    },
  },
  {
    id: 2,
    title: 'VERSION lists all five versions, with nothing but CNI_COMMAND',
    versions: once,
    async run(trial) {
      const json = objectOf(
        await trial.call('VERSION', undefined, { env: { CNI_PATH: undefined }, stdin: '' }),
        'VERSION',
      );
      expect(typeof json['cniVersion'] === 'string', 'there is no cniVersion');
      const listed = json['supportedVersions'];
      const missing = supportedVersions.filter((version) => !Array.isArray(listed) || !listed.includes(version));
      expect(missing.length === 0, `supportedVersions lacks ${missing.join(', ')}`);
    },
  },
  {
    id: 3,
    title: 'missing variables: code 4, all named in one message',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      for (const command of commandsOf(trial)) {
        const names = required[command] ?? [];
        for (const without of [...names.map((name) => [name]), names]) {
          const env = Object.fromEntries(without.map((name) => [name, undefined]));
          const what = `${command} without ${without.join(', ')}`;
          const { msg } = refused(await trial.call(command, pod, { env }), what, [4]);
          const unnamed = without.filter((name) => !msg.includes(name));
          expect(unnamed.length === 0, `${what}: the message does not name ${unnamed.join(', ')}: ${msg}`);
        }
      }
    },
  },
  {
    id: 4,
    title: 'CNI_CONTAINERID: empty is 3 or 4, wrong characters are 4',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      for (const command of ['ADD', 'DEL'] as const) {
        const call = (id: string) => trial.call(command, pod, { env: { CNI_CONTAINERID: id } });
        refused(await call(''), `${command} of an empty container id`, [3, 4]);
        for (const id of ['a/b', '-a', '../x', 'a b']) refused(await call(id), `${command} of container "${id}"`, [4]);
      }
    },
  },
  {
    id: 5,
    title: 'CNI_IFNAME: 16 characters, ".", "..", "/", ":" and blanks are 4',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      for (const command of ['ADD', 'DEL'] as const) {
        for (const ifname of ['a23456789012345x', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb']) {
          refused(await trial.call(command, pod, { ifname }), `${command} of interface "${ifname}"`, [4]);
        }
      }
      expect((await pod.links()).length === 0, 'a refused ADD left a link');
    },
  },
  {
    id: 10,
    title: 'unknown CNI_COMMAND: code 4',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      for (const CNI_COMMAND of ['FROB', 'add', 'ADD ']) {
        refused(await trial.call('ADD', pod, { env: { CNI_COMMAND } }), `command "${CNI_COMMAND}"`, [4]);
      }
    },
  },
  {
    id: 15,
    title: "CNI_NETNS is the host's own: code 8, unless CNI_NETNS_OVERRIDE",
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      const ifname = `own${trial.version.replaceAll('.', '')}`;
      const own = { CNI_NETNS: `/proc/${trial.host.pid}/ns/net` };
      const env = { ...own, CNI_NETNS_OVERRIDE: 'true' };
      const refusal = await trial.call('ADD', pod, { ifname, env: own });
      if (refusal.status === 0) await trial.call('DEL', pod, { ifname, env });
      refused(refusal, "ADD into the host's own namespace", [8]);
      const run = await trial.call('ADD', pod, { ifname, env });
      await trial.call('DEL', pod, { ifname, env });
      const said = run.status === 0 ? objectOf(run, 'ADD with CNI_NETNS_OVERRIDE') : {};
      expect(items(said, 'interfaces').length > 0, `with CNI_NETNS_OVERRIDE it should be served: ${told(run)}`);
    },
  },
];
