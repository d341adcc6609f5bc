import {
  DefaultReporter,
  type SerializedError,
  type TestCase,
  type TestModule,
  type TestRunEndReason,
} from 'vitest/node';
import { closingLine, type Outcome, type Summary, summarize } from './summary.ts';

/** How long a run waits for its workers to end, ms, unless the reporter's options say otherwise. */
const usualGraceMs = 60_000;

/**
 * vitest's own report, then what could not run here and why, then one line of counts. vitest waits for ever for a worker whose output a
 * process still holds, as one does that a test left when it ran out of time: a run ends without it.
 */
export default class Reporter extends DefaultReporter {
  /** Of the last run. */
  counted: Summary | undefined;
  readonly #graceMs: number;

  constructor({ graceMs = usualGraceMs }: { readonly graceMs?: number } = {}) {
    super();
    this.#graceMs = graceMs;
  }

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    const wholeRun = this.ctx.config.testNamePattern === undefined;
    // What a name on the command line left out is no news.
    const outcomes = [...modules.flatMap(outcomesOf), ...errors.map(strayError)].filter(
      ({ state, note }) => wholeRun || state !== 'skipped' || note !== undefined,
    );
    const summary = summarize(outcomes, {
      required: wholeRun ? (process.env['MULTINIC_REQUIRE'] ?? '').split(',').filter((word) => word !== '') : [],
      reasons: wholeRun && process.env['CI'] !== undefined,
    });
    this.counted = summary;
    this.section('Could not run here:', summary.notRun);
    this.section('Should have run, counted as failed:', summary.broken);
    this.log(closingLine(summary));
    if (summary.failed > 0) process.exitCode = 1;
    if (!this.ctx.config.watch) setTimeout(() => this.#end(), this.#graceMs).unref();
  }

  #end(): void {
    this.ctx.logger.error('A test left a process that holds its output: the run ends without it. Counted as failed.');
    process.exit(1);
  }

  private section(title: string, lines: readonly string[]): void {
    if (lines.length > 0) this.log(`${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
  }
}

/** The tests of a file; a file or suite that broke outside its tests counts as one more that failed. */
function outcomesOf(module: TestModule): Outcome[] {
  const file = module.relativeModuleId;
  const tests = [...module.children.allTests()].map((test) => outcomeOf(file, test));
  const broken = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0);
  const names = [...(module.errors().length > 0 ? ['(file)'] : []), ...broken.map((suite) => suite.fullName)];
  return [...tests, ...names.map((name) => ({ file, name, state: 'failed' as const }))];
}

function outcomeOf(file: string, test: TestCase): Outcome {
  const result = test.result();
  const name = test.fullName;
  if (result.state === 'passed' || result.state === 'failed') return { file, name, state: result.state };
  const note = result.state === 'skipped' ? result.note : undefined;
  return note === undefined ? { file, name, state: 'skipped' } : { file, name, state: 'skipped', note };
}

function strayError(error: SerializedError): Outcome {
  return { file: '(run)', name: error.message, state: 'failed' };
}
