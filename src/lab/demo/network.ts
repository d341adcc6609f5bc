import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { HostInterface } from '../../api/kinds/hostinterface.ts';
import { trusted } from '../../kube/calls/json.ts';
import { resources } from '../../kube/calls/resource.ts';
import { projectRoot } from '../cluster/api.ts';
import { until } from '../cluster/wait.ts';
import type { Lab } from '../lab.ts';
import type { Printer } from '../print/printer.ts';
import { CommandError } from '../run/runner.ts';
import type { Manifest } from './manifest.ts';

const kind = 'multinicnetwork';

/** Applies the manifest with kubectl and waits until the network is Ready; answers its name. @throws Error with its conditions */
export async function applyNetwork(lab: Lab, manifest: Manifest, printer: Printer): Promise<string> {
  const text = 'file' in manifest ? readFileSync(join(projectRoot(), manifest.file), 'utf8') : manifest.text;
  const name = trusted<{ metadata: { name: string } }>(parse(text)).metadata.name;
  for (const line of text.trimEnd().split('\n')) printer.line(`  ${printer.style.dim('|')} ${line}`);
  const source = 'file' in manifest ? manifest.file : '-';
  await say(lab, printer, ['apply', '-f', source], 'file' in manifest ? undefined : text);
  try {
    await say(lab, printer, ['wait', '--for=condition=Ready', `${kind}/${name}`, '--timeout=60s']);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`${error.message}\n${await conditions(lab, name)}`, { cause: error });
  }
  await say(lab, printer, ['get', kind, name]);
  return name;
}

/** Deletes it with kubectl, which waits until it is gone. */
export async function deleteNetwork(lab: Lab, name: string, printer: Printer): Promise<void> {
  try {
    await say(lab, printer, ['delete', kind, name, '--timeout=90s']);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new Error(`${error.message}\n${await conditions(lab, name)}`, { cause: error });
  }
}

/** All HostInterfaces, once there is one for each host with all its NICs. */
export async function hostInterfaces(lab: Lab): Promise<readonly HostInterface[]> {
  return until('the list of NICs (HostInterface) of each host', async () => {
    const { items } = await lab.api.client.list<HostInterface>(resources.hostInterfaces);
    const rails = lab.bare.network.spec.nics;
    const complete = items.filter((object) => (object.spec?.interfaces ?? []).length === rails);
    return complete.length === lab.hosts.length ? items : undefined;
  });
}

/** Runs kubectl as a person would, and shows what it says. */
async function say(lab: Lab, printer: Printer, args: readonly string[], input?: string): Promise<void> {
  printer.command(`kubectl ${args.join(' ')}`);
  const text = await lab.api.kubectl(args, input);
  for (const line of text.trimEnd().split('\n')) printer.line(`  ${line}`);
}

async function conditions(lab: Lab, name: string): Promise<string> {
  const template = 'jsonpath={range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}';
  const text = await lab.api.kubectl(['get', kind, name, '-o', template]).catch(() => '');
  const died = [lab.operator, ...lab.hosts.map((host) => lab.daemon(host))].flatMap((program) => program.died() ?? []);
  return [...died, text.trim() || 'the network has no conditions'].join('\n');
}
