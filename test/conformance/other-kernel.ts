import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { isObject } from '../../src/cni/fields.ts';
import { supportedVersions } from '../../src/cni/types.ts';
import { umlCommand } from '../../src/lab/uml.ts';
import { type CnitoolRun, findCnitool } from './cnitool.ts';
import { buildPrograms } from './programs.ts';
import { readFinding } from './record.ts';
import { statements } from './statements/all.ts';
import type { Finding } from './suite.ts';

export interface Findings {
  readonly findings: readonly Finding[];
  readonly runs: readonly CnitoolRun[];
}

/** System calls are several times slower there; limits are stretched by so much. */
const slowness = 8;
/** Each kernel has one CPU. */
const mostKernels = 2;

/**
 * Tries the statements (all, and cnitool, unless told) with ipvlan in as many of the kernels that MULTINIC_UML names as there are CPUs,
 * at most two, side by side; each has a part of the statements.
 * @throws Error when one of them does not come to its end
 */
export async function runInOtherKernel(only: readonly number[] | undefined, env: NodeJS.ProcessEnv): Promise<Findings> {
  // That kernel would take its time to compile them.
  buildPrograms();
  if (only === undefined) findCnitool();
  const wanted = only ?? statements.map(({ id }) => id);
  const kernels = Math.min(mostKernels, availableParallelism(), wanted.length);
  const parts = await Promise.all(
    Array.from({ length: kernels }, (_, cpu) => {
      const numbers = wanted.filter((_id, index) => index % kernels === cpu);
      const cnitool = only === undefined && cpu === kernels - 1;
      return runPart(numbers, cnitool, cpu, env);
    }),
  );
  return {
    findings: parts.flatMap(({ findings }) => findings).toSorted((a, b) => a.id - b.id),
    runs: parts.flatMap(({ runs }) => runs),
  };
}

async function runPart(
  numbers: readonly number[],
  cnitool: boolean,
  cpu: number,
  env: NodeJS.ProcessEnv,
): Promise<Findings> {
  const main = join(import.meta.dirname, 'main.ts');
  const options = ['--link', 'ipvlan', '--slowness', String(slowness), '--only', numbers.join(), '--json'];
  const argv = [process.execPath, main, ...options, ...(cnitool ? ['--cnitool'] : [])];
  const command = umlCommand(argv, { timeout: 1500, memory: '1G' }, { ...env, UMLCPU: String(cpu), NO_COLOR: '1' });
  const output = await outputOf(command.argv, command.env);
  const line = output.split('\n').findLast((text) => text.startsWith('{"statements"'));
  if (line === undefined) throw new Error(`statements ${numbers.join()}: the other kernel printed:\n${output}`);
  return parse(line);
}

function outputOf([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

function parse(line: string): Findings {
  const json: unknown = JSON.parse(line);
  const list = (value: unknown) => (Array.isArray(value) ? value.filter(isObject) : []);
  const { statements: told, cnitool } = isObject(json) ? json : {};
  return {
    findings: list(told).map(readFinding),
    runs: list(cnitool).flatMap((run) => {
      const version = supportedVersions.find((one) => one === run['version']);
      if (version === undefined) return [];
      const verbs = Array.isArray(run['verbs']) ? run['verbs'].map(String) : [];
      return [{ version, verbs, passed: run['passed'] === true, detail: String(run['detail']) }];
    }),
  };
}
