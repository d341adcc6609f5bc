import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { consoleLines, root } from '../../support/doc-commands.ts';

const program = `${process.execPath} src/cli/main.ts`;

/** What a command must have said. */
const answers: readonly (readonly [string, RegExp])[] = [
  ['get multinicnetworks', /multi-nic-sample +True +Ready/],
  ['describe', /Normal +Ready/],
  ['get hostinterfaces', /multi-nic-sample +host1 +eth1/],
  ['exec host1', /default via/],
  ['exec pod-1-1', /net1-1.*192\.168\.64\./s],
  ['attach mine', /net1-1 +192\.168\.64\./],
  ['attach few', /net1 +192\.168\.0\.\d+\/18 [^\n]*\n$/],
];

it('docs/quickstart.md: what it says to type in a lab that was left up', (ctx) => {
  if (type('kubectl version --client', {}).status !== 0) ctx.skip('no kubectl on the PATH');
  const small = '--keep --plugin macvlan --hosts 1 --nics 2 --pods 1';
  const up = type(`${program} lab demo ${small}`, {});
  expect(up.status, up.stderr).toBe(0);
  const kubeconfig = /export KUBECONFIG=(.*)/.exec(up.stdout)?.[1] ?? '';
  const id = kubeconfig.split('/').at(-3) ?? '';
  try {
    const unasked = new Set(answers.map(([part]) => part));
    for (const line of consoleLines(readFileSync(join(root, 'docs/quickstart.md'), 'utf8'))) {
      const { status, stdout, stderr } = type(line.replace('npm run multinic --', program), { KUBECONFIG: kubeconfig });
      expect(status, `${line}\n${stderr}`).toBe(0);
      for (const [part, answer] of answers.filter(([text]) => line.includes(text))) {
        expect(stdout, line).toMatch(answer);
        unasked.delete(part);
      }
    }
    expect([...unasked]).toEqual([]);
    const refused = type(`${program} lab attach x --networks no-such`, { KUBECONFIG: kubeconfig });
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('no NetworkAttachmentDefinition default/no-such'),
    });
  } finally {
    const clean = type(`${program} lab clean ${id}`, {});
    expect(clean.stdout, clean.stderr).toContain(`lab ${id} is taken down`);
  }
});

function type(line: string, variables: Readonly<Record<string, string>>) {
  return spawnSync('bash', ['-euo', 'pipefail', '-c', line], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
}
