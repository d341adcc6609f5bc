import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createLab, type Lab } from '../../../src/lab/lab.ts';
import { consoleLines, root } from '../../support/doc-commands.ts';
import { item } from '../../support/scenario/item.ts';
import { applyReady } from '../../support/scenario/networks.ts';

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

let lab: Lab | undefined;

afterEach(() => lab?.close());

// The demo itself: test/component/lab. Here the cluster that it leaves up with --keep, as small as the page allows.
it('docs/quickstart.md: what it says to type in a lab that was left up', async (ctx) => {
  if (type('kubectl version --client', {}).status !== 0) ctx.skip('no kubectl on the PATH');
  lab = await createLab({ hosts: 1, nics: 2 });
  const host = item(lab.hosts, 0);
  await applyReady(lab, 'multi-nic-sample', { subnets: ['192.168.0.0/16'], interfaceBlock: 2, hostBlock: 6 });
  await lab.addPod({ name: 'pod-1-1', host, networks: 'multi-nic-sample' });
  const variables = { KUBECONFIG: lab.api.kubeconfig };
  const unasked = new Set(answers.map(([part]) => part));
  for (const line of consoleLines(readFileSync(join(root, 'docs/quickstart.md'), 'utf8'))) {
    const { status, stdout, stderr } = type(line.replace('npm run multinic --', program), variables);
    expect(status, `${line}\n${stderr}`).toBe(0);
    for (const [part, answer] of answers.filter(([text]) => line.includes(text))) {
      expect(stdout, line).toMatch(answer);
      unasked.delete(part);
    }
  }
  expect([...unasked]).toEqual([]);
  const refused = type(`${program} lab attach x --networks no-such`, variables);
  expect(refused).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('no NetworkAttachmentDefinition default/no-such'),
  });
});

function type(line: string, variables: Readonly<Record<string, string>>) {
  return spawnSync('bash', ['-euo', 'pipefail', '-c', line], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...variables },
  });
}
