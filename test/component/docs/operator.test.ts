import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { resources } from '../../../src/kube/calls/resource.ts';
import { consoleCommands, root } from '../../support/doc-commands.ts';
import { type Site, startSite } from '../../support/operator/site.ts';

let site: Site;

beforeEach(async () => {
  site = await startSite();
});
afterEach(() => site.close());

/** Not here: the embedded API server has no admission policies. test/e2e/deploy.test.ts runs them on a real one. */
const elsewhere = ['kubectl apply --kustomize deploy', 'kubectl delete --kustomize deploy'];

/** What a command must have said. */
const answers: Readonly<Record<string, RegExp>> = {
  'get deployment multinic-operator': /multinic-operator/,
  'get lease multinic-operator': /multinic-operator +alone/,
  'get multinicnetworks': /multi-nic-sample +True +Ready/,
  'describe multinicnetwork': /Normal +Ready/,
  'involvedObject.kind=MultiNicNetwork': /Ready +multinicnetwork\/multi-nic-sample/,
  'involvedObject.kind=Config': /config\/multinic/,
  '.status.conditions': /"reason":"Ready"/,
};

it('docs/operator.md: its commands do what it says, in their order', async (ctx) => {
  const { world, hosts, clients } = site;
  if (!(await clients.hasKubectl())) ctx.skip('no kubectl on the PATH');
  const commands = consoleCommands(readFileSync(join(root, 'docs/operator.md'), 'utf8'));
  expect(commands.length).toBeGreaterThan(12);
  expect(commands.filter(([program]) => program !== 'kubectl')).toEqual([]);
  for (const file of ['namespace.yaml', 'operator.yaml']) await clients.kubectl('apply', `--filename=deploy/${file}`);
  await hosts.join('host-a', [1, 2]);
  const daemons = ['--daemons', '--daemon-image', 'multinic:test'];
  clients.operator('--leader-elect-namespace', 'multinic-system', ...daemons);
  await world.until(async () => void (await world.client.get(resources.configs, 'multinic')));

  const used = new Set<string>();
  for (const [, ...args] of commands) {
    const command = ['kubectl', ...args].join(' ');
    if (elsewhere.includes(command)) continue;
    // So that there is something to force.
    if (command.includes('--wait=false')) hosts.silence('host-a');
    const [part, answer] = Object.entries(answers).find(([text]) => command.includes(text)) ?? ['', /^/];
    used.add(part);
    // Who only asks may ask again: an Event is written behind the status.
    if (part === '') await clients.kubectl(...args);
    else await world.until(async () => expect(await clients.kubectl(...args), command).toMatch(answer));
  }
  expect([...used].sort()).toEqual(['', ...Object.keys(answers)].sort());
  await world.until(async () => expect((await world.client.list(resources.multiNicNetworks)).items).toEqual([]));
  await world.until(async () => expect(await clients.kubectl('get', 'events')).toMatch(/Normal +Removed/));
});
