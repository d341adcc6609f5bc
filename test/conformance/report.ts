import type { Finding } from './suite.ts';

/** What `--json` prints last. */
export interface Summary {
  readonly statements: readonly Finding[];
  readonly passed: number;
  readonly total: number;
}

export function summarize(statements: readonly Finding[]): Summary {
  return { statements, passed: statements.filter(({ passed }) => passed).length, total: statements.length };
}

export function verdict(finding: Pick<Finding, 'passed' | 'notApplicable'>): string {
  if (finding.passed) return 'pass';
  return finding.notApplicable === true ? 'n/a' : 'FAIL';
}

/** One statement for people; what is not passed says why in a second line. */
export function findingLine(finding: Finding): string {
  const head = `${String(finding.id).padStart(2)}  ${verdict(finding).padEnd(4)}  ${finding.title}`;
  return finding.passed ? head : `${head}\n          ${finding.detail}`;
}

export function closingLine(name: string, { statements, passed, total }: Summary): string {
  const without = statements.filter(({ notApplicable }) => notApplicable === true).length;
  const failed = total - passed - without;
  return `${name}: ${passed} of ${total} passed, ${failed} failed, ${without} not applicable`;
}
