import type { SerializedError, TestModule, TestRunEndReason } from 'vitest/node';
import Reporter from '../support/reporter.ts';

/** The project's report, and after it one line of JSON for programs. */
export default class JsonReporter extends Reporter {
  readonly #begin = performance.now();

  override onTestRunEnd(
    modules: readonly TestModule[],
    errors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    super.onTestRunEnd(modules, errors, reason);
    const { passed = 0, failed = 0, notRun = [] } = this.counted ?? {};
    const seconds = Math.round((performance.now() - this.#begin) / 100) / 10;
    process.stdout.write(`${JSON.stringify({ passed, failed, skipped: notRun, seconds })}\n`);
  }
}
