import { isOlder } from '../../../src/cni/versions.ts';
import { objectOf, quiet, refused } from '../answers.ts';
import { expect, type Statement } from '../statement.ts';
import type { Trial } from '../trial.ts';
import { all, once } from './versions.ts';

function speaksNewest({ subject }: Trial): boolean {
  return subject.versions.includes('1.1.0');
}

export const configurationStatements: readonly Statement[] = [
  {
    id: 6,
    title: 'stdin is not JSON: 6; JSON of another shape: 6 or 7; no stack trace',
    versions: once,
    async run(trial) {
      const pod = await trial.pod();
      for (const stdin of ['', 'rubbish', '{"cniVersion":', '{"name":"a"}}']) {
        refused(await trial.call('ADD', pod, { stdin }), `stdin ${JSON.stringify(stdin)}`, [6]);
      }
      for (const stdin of ['[]', '[1]', '7', '"text"', 'null', '{"name":7}']) {
        const run = await trial.call('ADD', pod, { stdin });
        refused(run, `stdin ${stdin}`, [6, 7]);
        const trace = /goroutine \d|panic:|\n\s+at .*\(/.test(`${run.stdout}\n${run.stderr}`);
        expect(!trace, `stdin ${stdin}: a stack trace was printed`);
      }
    },
  },
  {
    id: 7,
    title: 'name is missing or has illegal characters: code 7',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      for (const command of ['ADD', 'DEL'] as const) {
        for (const name of [undefined, '', 'a b', 'a/b', '-a', '.a', 'ä']) {
          const run = await trial.call(command, pod, { config: { name } });
          refused(run, `${command} of network ${JSON.stringify(name)}`, [7]);
        }
      }
    },
  },
  {
    id: 8,
    title: 'unsupported cniVersion: code 1, saying what is supported',
    versions: once,
    async run(trial) {
      const pod = await trial.pod();
      const commands = ['ADD', 'DEL', 'CHECK', ...(speaksNewest(trial) ? (['GC', 'STATUS'] as const) : [])] as const;
      for (const command of commands) {
        const run = await trial.call(command, pod, { config: { cniVersion: '9.9.9' } });
        const { text } = refused(run, `${command} of version 9.9.9`, [1]);
        expect(text.includes('9.9.9'), `${command}: the error does not say what was asked for: ${text}`);
        const unnamed = trial.subject.versions.filter((version) => !text.includes(version));
        expect(unnamed.length === 0, `${command}: the error does not say that ${unnamed.join(', ')} would do: ${text}`);
      }
    },
  },
  {
    id: 9,
    title: 'CHECK below 0.4.0, GC and STATUS below 1.1.0: code 1',
    versions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0'],
    async run(trial) {
      const pod = await trial.pod();
      const { version } = trial;
      if (isOlder(version, '0.4.0')) {
        const prevResult = { cniVersion: version };
        refused(await trial.call('CHECK', pod, { config: { prevResult } }), `CHECK at ${version}`, [1]);
      }
      for (const command of ['GC', 'STATUS'] as const) {
        refused(
          await trial.call(command, pod, { config: { 'cni.dev/valid-attachments': [] } }),
          `${command} at ${version}`,
          [1],
        );
      }
    },
  },
  {
    id: 14,
    title: 'unknown keys, and those that Multus injects, are no error',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      const config = {
        deviceID: '0000:00:1f.6',
        pciBusID: '0000:00:1f.6',
        runtimeConfig: { CNIDeviceInfoFile: '/nowhere/device.json' },
        capabilities: { mac: true, ips: true },
        'x-unknown': { deep: [1, 2, { more: true }] },
        args: { ...argsOf(trial), 'x-unknown': 1 },
      };
      const result = objectOf(await trial.call('ADD', pod, { config }), 'ADD with unknown keys');
      if (!isOlder(trial.version, '0.4.0')) {
        quiet(await trial.call('CHECK', pod, { config: { ...config, prevResult: result } }), 'CHECK with unknown keys');
      }
      quiet(await trial.call('DEL', pod, { config }), 'DEL with unknown keys');
    },
  },
];

/** What the usual configuration says in `args`, which Multus merges into. */
function argsOf({ subject, version }: Trial): object {
  const args = subject.config(version, {})['args'];
  return typeof args === 'object' && args !== null ? args : {};
}
