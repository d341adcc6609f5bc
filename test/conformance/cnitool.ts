import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CniVersion } from '../../src/cni/types.ts';
import { isOlder } from '../../src/cni/versions.ts';
import { buildModules, NotBuiltError } from '../e2e/control-plane/programs.ts';
import { runProgram } from './run-program.ts';
import { short } from './statement.ts';
import type { Subject } from './subject.ts';
import type { Place } from './suite.ts';
import { systemPath } from './trial.ts';

/** How one configuration version did under libcni's own runtime. */
export interface CnitoolRun {
  readonly version: CniVersion;
  /** In the order in which they were called. */
  readonly verbs: readonly string[];
  readonly passed: boolean;
  /** What went wrong. */
  readonly detail: string;
}

/** Path of cnitool, built when it is not there yet; undefined without Go. @throws Error when the build fails */
export function findCnitool(): string | undefined {
  try {
    return join(buildModules(['cnitool']).get('cnitool') ?? '', 'cnitool');
  } catch (error) {
    if (error instanceof NotBuiltError) return undefined;
    throw error;
  }
}

/** ADD, CHECK, STATUS, DEL and GC as far as a version has them, by cnitool: libcni reads, chains, caches and validates. */
export async function runCnitool(place: Place, subject: Subject, program: string): Promise<readonly CnitoolRun[]> {
  const runs: CnitoolRun[] = [];
  for (const version of subject.versions) runs.push(await runVersion(place, subject, program, version));
  return runs;
}

async function runVersion(place: Place, subject: Subject, program: string, version: CniVersion): Promise<CnitoolRun> {
  const { launch } = place;
  const name = `conf-${randomBytes(6).toString('hex')}`;
  const folder = join(place.dir, 'cnitool', name);
  mkdirSync(folder, { recursive: true });
  const { name: network, ...plugin } = subject.config(version, {});
  const list = { cniVersion: version, name: network, plugins: [{ ...plugin, type: pluginType(subject) }] };
  writeFileSync(join(folder, 'net.conflist'), JSON.stringify(list));
  const env = { NETCONFPATH: folder, CNI_PATH: pathOf(subject), CNI_IFNAME: 'net1' };
  const ip = (...args: string[]) =>
    runProgram(launch, ['ip', ...args], { env: { PATH: systemPath }, stdin: '', limitMs: 60_000 });
  const verbs: string[] = [];
  const call = async (verb: string): Promise<void> => {
    verbs.push(verb);
    const argv = [program, verb, String(network), `/run/netns/${name}`];
    const { status, stdout, stderr } = await runProgram(launch, argv, {
      env,
      stdin: '',
      limitMs: 60_000 * place.slowness,
    });
    // cnitool 1.3.0 gives no list to the plugin, which then must not remove anything; libcni has sent DEL for what it knows.
    const listless = verb === 'gc' && stderr.includes('cni.dev/valid-attachments');
    if (status !== 0 && !listless) throw new Error(`cnitool ${verb}: ${short(`${stdout} ${stderr}`, 300)}`);
    const links = (await ip('-n', name, 'link', 'show', 'net1')).status === 0;
    if (links !== !['del', 'gc'].includes(verb))
      throw new Error(`after ${verb} net1 is ${links ? 'still' : 'not'} there`);
  };
  try {
    await ip('netns', 'add', name);
    await call('add');
    if (!isOlder(version, '0.4.0')) await call('check');
    if (!isOlder(version, '1.1.0')) await call('status');
    await call('del');
    if (!isOlder(version, '1.1.0')) {
      await call('add');
      await call('gc');
    }
    return { version, verbs, passed: true, detail: '' };
  } catch (error) {
    return { version, verbs, passed: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    await runProgram(launch, [program, 'del', String(network), `/run/netns/${name}`], {
      env,
      stdin: '',
      limitMs: 60_000,
    });
    await ip('netns', 'delete', name);
  }
}

function pluginType({ program }: Subject): string {
  return program.slice(program.lastIndexOf('/') + 1);
}

function pathOf({ program, path }: Subject): string {
  return [...new Set([program.slice(0, program.lastIndexOf('/')), ...path])].join(':');
}

/** One line for people. */
export function cnitoolLine(runs: readonly CnitoolRun[]): string {
  const parts = runs.map(({ version, verbs, passed, detail }) =>
    passed ? `${version} ${verbs.join(' ')}` : `${version} FAILED: ${detail}`,
  );
  return `cnitool: ${parts.join('; ')}`;
}
