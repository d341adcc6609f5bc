import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { umlCommand } from '../../src/lab/uml.ts';
import { cnitoolLine, findCnitool, runCnitool } from './cnitool.ts';
import { startOther } from './other.ts';
import { startOurs } from './ours.ts';
import { closingLine, findingLine, markdownTable, summarize } from './report.ts';
import { type Finding, runSuite } from './suite.ts';

const usage =
  'use: npm run conformance -- [--json | --markdown] [--only 17,21] [--uml] [--plugin PATH --config FILE] [--link macvlan|ipvlan]';

const options = {
  json: { type: 'boolean', default: false },
  markdown: { type: 'boolean', default: false },
  only: { type: 'string' },
  uml: { type: 'boolean', default: false },
  plugin: { type: 'string' },
  config: { type: 'string' },
  link: { type: 'string', default: 'macvlan' },
  slowness: { type: 'string', default: '1' },
} as const;

/** Tries all statements on ours, or on another plugin. Fails unless all pass. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  if (values.uml) return inOtherKernel(args);
  const only = numbersOf(values.only);
  const { link } = values;
  if (link !== 'macvlan' && link !== 'ipvlan') throw new Error(`--link ${link}: ${usage}`);
  const root = mkdtempSync(join(tmpdir(), 'multinic-conformance-'));
  const say = values.json || values.markdown ? console.error : console.log;
  try {
    const place = await startPlace({ ...values, link }, root);
    try {
      say(`${place.subject.name}, configuration versions ${place.subject.versions.join(', ')}`);
      const findings = await runSuite(place, place.subject, {
        ...(only === undefined ? {} : { only }),
        ...(values.json ? {} : { onFinding: progress }),
      });
      for (const finding of findings) say(findingLine(finding));
      const summary = summarize(findings);
      say(closingLine(place.subject.name, summary));
      const cnitool = only === undefined ? findCnitool() : undefined;
      const runs = cnitool === undefined ? [] : await runCnitool(place, place.subject, cnitool);
      if (only === undefined)
        say(cnitool === undefined ? 'cnitool: not run, as there is no Go to build it' : cnitoolLine(runs));
      if (values.markdown) console.log(markdownTable(findings));
      if (values.json) console.log(JSON.stringify({ ...summary, ...(runs.length === 0 ? {} : { cnitool: runs }) }));
      if (summary.passed < summary.total || runs.some(({ passed }) => !passed)) process.exitCode = 1;
    } finally {
      await place.close();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

interface Values {
  readonly plugin?: string | undefined;
  readonly config?: string | undefined;
  readonly link: 'macvlan' | 'ipvlan';
  readonly slowness: string;
}

function startPlace({ plugin, config, link, slowness }: Values, root: string): ReturnType<typeof startOther> {
  if (plugin === undefined && config === undefined) return startOurs(link, root, Number(slowness));
  if (plugin === undefined || config === undefined) throw new Error(`--plugin and --config go together: ${usage}`);
  for (const file of [plugin, config]) if (!existsSync(file)) throw new Error(`there is no ${file}`);
  return startOther(plugin, config, root);
}

function numbersOf(text: string | undefined): readonly number[] | undefined {
  const numbers = text?.split(',').map(Number);
  const wrong = numbers?.find((number) => !(Number.isInteger(number) && number >= 1 && number <= 50));
  if (wrong !== undefined) throw new Error(`--only ${text}: numbers from 1 to 50, as 17,21; ${usage}`);
  return numbers;
}

/** For people who wait. */
function progress({ id }: Finding, ms: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kstatement ${id}: ${Math.round(ms)} ms\r`);
}

/** The same with ipvlan in the kernel that MULTINIC_UML names; it is several times slower. */
function inOtherKernel(args: readonly string[]): void {
  const rest = args.filter((argument) => argument !== '--uml');
  const argv = [process.execPath, join(import.meta.dirname, 'main.ts'), '--link', 'ipvlan', '--slowness', '8', ...rest];
  const command = umlCommand(argv, { timeout: 1500, memory: '2G' }, process.env);
  const [program = '', ...words] = command.argv;
  process.exitCode =
    spawnSync(program, words, { env: command.env, stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
