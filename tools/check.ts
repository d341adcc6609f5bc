import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Check {
  readonly name: string;
  /** What it makes sure of. */
  readonly about: string;
  readonly command: readonly [string, ...string[]];
}

const checks: readonly Check[] = [
  { name: 'types', about: 'TypeScript, strict', command: ['tsc', '--pretty', 'false'] },
  { name: 'lint', about: 'oxlint with type information', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  {
    name: 'format',
    about: 'Biome: format and import order',
    command: ['biome', 'ci', '--error-on-warnings', '--colors=off', '--reporter=summary'],
  },
  {
    name: 'imports',
    about: 'which folder may import which (tools/check/import-rules.ts)',
    command: ['node', '--disable-warning=ExperimentalWarning', 'tools/check/imports.ts'],
  },
  { name: 'rooms', about: 'what source text may stand where', command: ['node', 'tools/check/rooms.ts'] },
  {
    name: 'unused',
    about: 'knip: files, exports and dependencies that nothing uses',
    command: ['knip', '--no-progress'],
  },
  {
    name: 'generated',
    about: 'CRDs, field reference, errors page and lockfile are up to date',
    command: ['node', 'tools/generate.ts', '--check'],
  },
  { name: 'shell', about: 'syntax of the shell scripts', command: ['sh', 'tools/check/shell.sh'] },
];

const root = join(import.meta.dirname, '..');

/** Runs a command to its end. Answers its exit code (127: no such command) and what it said. */
function run([program, ...args]: Check['command']): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: 127, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Every check runs, whatever the others say; only those that fail show their output. `check.ts NAME…` runs some. */
async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !checks.some((check) => check.name === name));
  if (unknown !== undefined) {
    throw new Error(`no check is named ${unknown}: there are ${checks.map(({ name }) => name).join(', ')}`);
  }
  const failed: string[] = [];
  for (const check of checks.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const start = performance.now();
    const { code, output } = await run(check.command);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name.padEnd(9)} ${seconds.padStart(5)} s  ${check.about}`);
    if (code === 0) continue;
    failed.push(check.name);
    console.log(output.trimEnd().replaceAll(/^/gm, '     '));
  }
  console.log(failed.length === 0 ? 'check: all is well' : `check: failed: ${failed.join(', ')}`);
  if (failed.length > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
