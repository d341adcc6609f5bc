import { spawnSync } from 'node:child_process';
import { umlCommand } from '../../src/lab/uml.ts';
import { createNamespaces } from './netns.ts';

/** How a program gets a kernel with ipvlan: words put before its command line and its environment, or why there is none. */
export type IpvlanKernel =
  | { readonly prefix: readonly string[]; readonly env: NodeJS.ProcessEnv }
  | { readonly missing: string };

/** Status with which MULTINIC_UML says that its kernel ended by itself. */
const guestDied = 125;

/** The running kernel where it has ipvlan, else the one that MULTINIC_UML runs commands in. */
export function ipvlanKernel(): IpvlanKernel {
  if (hasIpvlan()) return { prefix: [], env: process.env };
  if ((process.env['MULTINIC_UML'] ?? '') === '') {
    return { missing: 'this kernel has no ipvlan and MULTINIC_UML names none that has' };
  }
  const { argv, env } = umlCommand([], { timeout: 280, memory: '2G' }, process.env);
  return { prefix: argv, env };
}

/** Runs a TypeScript program there and answers the JSON object in the last line that is one. */
export function runThere(
  kernel: Exclude<IpvlanKernel, { missing: string }>,
  program: string,
  words: readonly string[] = [],
): unknown {
  const [command = '', ...args] = [...kernel.prefix, process.execPath, program, ...words];
  const once = () => spawnSync(command, args, { encoding: 'utf8', env: kernel.env });
  const first = once();
  // The other kernel itself has died, which says nothing about the program: once more.
  const { stdout, stderr, status } = first.status === guestDied ? once() : first;
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`${program} printed no JSON (status ${status}):\n${stdout}\n${stderr}`);
  return JSON.parse(line);
}

function hasIpvlan(): boolean {
  const spaces = createNamespaces();
  try {
    const netns = spaces.add();
    spaces.veth(netns, 'eth1', netns, 'eth2');
    spaces.ip(netns, 'link', 'add', 'net1', 'link', 'eth1', 'type', 'ipvlan', 'mode', 'l3');
    return true;
  } catch {
    return false;
  } finally {
    spaces.end();
  }
}
