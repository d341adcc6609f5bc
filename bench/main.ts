import { parseArgs } from 'node:util';
import { benchAdd } from './add/bench.ts';
import { benchFollow } from './follow/bench.ts';
import { type Report, table } from './report.ts';
import { benchShim } from './shim/bench.ts';

/** name → bench of so many rounds. */
const benches: Readonly<Record<string, { rounds: number; run: (rounds: number) => Promise<Report> }>> = {
  shim: { rounds: 300, run: benchShim },
  add: { rounds: 20, run: benchAdd },
  follow: { rounds: 3, run: benchFollow },
};

const usage = `use: npm run bench -- [${Object.keys(benches).join('] [')}] [--rounds N] [--json]`;

/** `bench/main.ts NAME… [--rounds N] [--json]`: all benches by default; with --json the last line is one object. */
async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false }, rounds: { type: 'string' } },
  });
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds ${values.rounds}: ${usage}`);
  const names = positionals.length === 0 ? Object.keys(benches) : positionals;
  const unknown = names.find((name) => benches[name] === undefined);
  if (unknown !== undefined) throw new Error(`no bench is named ${unknown}; ${usage}`);

  const reports: Report[] = [];
  for (const name of names) {
    const bench = benches[name];
    if (bench === undefined) continue;
    const report = await bench.run(rounds ?? bench.rounds);
    reports.push(report);
    (values.json ? console.error : console.log)(`${table(report)}\n`);
  }
  if (values.json) console.log(JSON.stringify(Object.assign({}, ...reports.map((report) => report.json))));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
