import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kernelName } from '../../src/lab/uml.ts';
import { type CnitoolRun, cnitoolLine, findCnitool, runCnitool } from './cnitool.ts';
import { startOther } from './other.ts';
import { runInOtherKernel } from './other-kernel.ts';
import { ownVersion, startOurs } from './ours.ts';
import { recordText } from './record.ts';
import { closingLine, findingLine, summarize } from './report.ts';
import { type Finding, runSuite } from './suite.ts';

const usage =
  'use: npm run conformance -- [--json] [--only 17,21] [--uml] [--plugin PATH --config FILE [--release TEXT] [--serial]] [--link macvlan|ipvlan] [--record FILE]';

const options = {
  json: { type: 'boolean', default: false },
  only: { type: 'string' },
  uml: { type: 'boolean', default: false },
  plugin: { type: 'string' },
  config: { type: 'string' },
  serial: { type: 'boolean', default: false },
  record: { type: 'string' },
  /** Of another plugin, as it does not tell. */
  release: { type: 'string' },
  link: { type: 'string', default: 'macvlan' },
  slowness: { type: 'string', default: '1' },
  /** Also with --only. */
  cnitool: { type: 'boolean', default: false },
} as const;

/** Tries all statements on ours, or on another plugin. Fails unless all pass. */
async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options });
  const only = numbersOf(values.only);
  if (values.uml) return tellOther(values, only);
  const { link } = values;
  if (link !== 'macvlan' && link !== 'ipvlan') throw new Error(`--link ${link}: ${usage}`);
  const root = mkdtempSync(join(tmpdir(), 'multinic-conformance-'));
  const say = values.json ? console.error : console.log;
  try {
    const place = await startPlace({ ...values, link }, root);
    try {
      say(`${place.subject.name}, configuration versions ${place.subject.versions.join(', ')}`);
      const findings = await runSuite(place, place.subject, {
        ...(only === undefined ? {} : { only }),
        serial: values.serial,
        ...(values.json ? {} : { onFinding: progress }),
      });
      for (const finding of findings) say(findingLine(finding));
      const wanted = only === undefined || values.cnitool;
      const cnitool = wanted ? findCnitool() : undefined;
      const runs = cnitool === undefined ? [] : await runCnitool(place, place.subject, cnitool);
      const about = { name: place.subject.name, version: values.release ?? ownVersion(), kernel: kernelVersion() };
      conclude(values, { about, findings, runs, withCnitool: wanted });
    } finally {
      await place.close();
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

interface Told {
  readonly json: boolean;
  readonly record?: string | undefined;
}

interface Conclusion {
  readonly about: { readonly name: string; readonly version: string; readonly kernel: string };
  readonly findings: readonly Finding[];
  readonly runs: readonly CnitoolRun[];
  readonly withCnitool: boolean;
}

/** The end of the report, and the exit status. */
function conclude(values: Told, { about, findings, runs, withCnitool }: Conclusion): void {
  const say = values.json ? console.error : console.log;
  const summary = summarize(findings);
  say(closingLine(about.name, summary));
  if (withCnitool) say(runs.length === 0 ? 'cnitool: not run, as there is no Go to build it' : cnitoolLine(runs));
  if (values.record !== undefined) writeFileSync(values.record, recordText({ ...about, findings }));
  if (values.json) console.log(JSON.stringify({ ...summary, ...(runs.length === 0 ? {} : { cnitool: runs }) }));
  if (summary.passed < summary.total || runs.some(({ passed }) => !passed)) process.exitCode = 1;
}

/** The same with ipvlan, in the kernel that MULTINIC_UML names. */
async function tellOther(values: Told, only: readonly number[] | undefined): Promise<void> {
  const { findings, runs } = await runInOtherKernel(only, process.env);
  const say = values.json ? console.error : console.log;
  for (const finding of findings) say(findingLine(finding));
  const about = { name: 'multinic (ipvlan)', version: ownVersion(), kernel: 'user-mode-linux' };
  conclude(values, { about, findings, runs, withCnitool: only === undefined });
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

/** `Linux 6.12`: what follows is the builder's. */
function kernelVersion(): string {
  return kernelName().replace(/(\d+\.\d+).*/, '$1');
}

/** For people who wait. */
function progress({ id }: Finding, ms: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[Kstatement ${id}: ${Math.round(ms)} ms\r`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
