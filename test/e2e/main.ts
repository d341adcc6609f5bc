import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';
import Reporter from '../support/reporter.ts';
import { buildPrograms, NotBuiltError } from './control-plane/programs.ts';

const usage = `use: npm run e2e -- [--json] [-t NAME] [FILE...]

Runs test/e2e on a real etcd, kube-apiserver, kube-controller-manager, kube-scheduler and Multus. What is not built yet is built
first, from Go modules with pinned versions: 5 to 10 minutes on a fresh machine, with progress; kept in
\${XDG_CACHE_HOME:-~/.cache}/multinic/e2e.

  FILE...       only test files whose path contains one of these, as test/e2e/rules.test.ts
  -t, --name    only tests whose name matches this
  --json        the last line is {"passed":N,"failed":N,"skipped":["test: reason"],"seconds":N}
  --help        this

Longer than in \`npm test\`, in seconds (3, 11 and 60):
  MULTINIC_OUTAGE_SECONDS   the API server gone, 429 and 500, each (operator-outage); 600 for ten minutes
  MULTINIC_QUIET_SECONDS    daemons with nothing to do, counted what they write all the same (outage.test)
  MULTINIC_FAULTS_SECONDS   two operators that are killed and cut off (two-operators)

Exit status: 0 all passed, 1 some failed or none could run, 2 wrong use.`;

const options = {
  json: { type: 'boolean', default: false },
  name: { type: 'string', short: 't' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** `npm run e2e`. */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  // What must have been tested where is a matter of whole runs (npm test).
  delete process.env['MULTINIC_REQUIRE'];
  const outcome = build() ? await run(positionals, values.name) : { passed: 0, failed: 1, notRun: [] };
  const { passed, failed, notRun: skipped } = outcome;
  const setup = Number(process.env['MULTINIC_SETUP_SECONDS'] ?? 0);
  const seconds = Math.round(setup * 10 + performance.now() / 100) / 10;
  if (values.json) console.log(JSON.stringify({ passed, failed, skipped, seconds }));
  return failed > 0 || passed === 0 ? 1 : 0;
}

/** Before the tests, that its progress stands alone. False: it failed, and has said why; without Go the tests name themselves as not run. */
function build(): boolean {
  try {
    buildPrograms();
    return true;
  } catch (error) {
    if (error instanceof NotBuiltError) return true;
    console.error(error instanceof Error ? error.message : error);
    return false;
  }
}

async function run(files: string[], name: string | undefined) {
  const reporter = new Reporter();
  const vitest = await startVitest(files, {
    run: true,
    watch: false,
    project: ['e2e'],
    reporters: [reporter],
    ...(name !== undefined && { testNamePattern: name }),
  });
  await vitest.close();
  return reporter.counted ?? { passed: 0, failed: 1, notRun: [] };
}

main(process.argv.slice(2)).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    const wrongUse = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    console.error(wrongUse ? `${error.message}\n\n${usage}` : error);
    process.exitCode = wrongUse ? 2 : 1;
  },
);
