/** How one test ended. */
export interface Outcome {
  readonly file: string;
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** What the test said when it skipped itself. */
  readonly note?: string;
}

/** What must hold of a run beyond its tests passing. */
export interface Expectations {
  /** Words of which at least one component test must speak (file, name, reason), and none of those may be skipped: MULTINIC_REQUIRE. */
  readonly required: readonly string[];
  /** A skipped test must say why. */
  readonly reasons: boolean;
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** One line for each file and reason that kept tests from running. */
  readonly notRun: readonly string[];
  /** One line for each expectation that the run breaks; each counts as a failure. */
  readonly broken: readonly string[];
}

const saysNothing = 'gives no reason';

/** Counts a run and says what did not run, why, and whether it should have. */
export function summarize(outcomes: readonly Outcome[], expectations: Expectations): Summary {
  const count = (state: Outcome['state']) => outcomes.filter((outcome) => outcome.state === state).length;
  const broken = [
    ...expectations.required.flatMap((word) => brokenRequirement(word, outcomes)),
    ...(expectations.reasons
      ? outcomes.filter(skippedSilently).map(({ file, name }) => `${file} > ${name}: skipped, ${saysNothing}`)
      : []),
  ];
  return {
    passed: count('passed'),
    failed: count('failed') + broken.length,
    skipped: count('skipped'),
    notRun: notRunLines(outcomes),
    broken,
  };
}

/** The line that ends a run. */
export function closingLine(summary: Summary): string {
  return `${summary.passed} passed, ${summary.failed} failed, ${summary.skipped} skipped`;
}

function skippedSilently(outcome: Outcome): boolean {
  return outcome.state === 'skipped' && outcome.note === undefined;
}

/** Only tests on a real kernel can show what a kernel can do, so others do not count. */
function brokenRequirement(word: string, outcomes: readonly Outcome[]): string[] {
  const about = outcomes.filter(
    ({ file, name, note = '' }) =>
      file.startsWith('test/component/') && `${file} ${name} ${note}`.toLowerCase().includes(word.toLowerCase()),
  );
  if (about.length === 0) return [`no component test speaks of ${word}, though it can be tested here`];
  return about
    .filter((outcome) => outcome.state === 'skipped')
    .map(({ file, name, note }) => `${file} > ${name}: could run here but did not (${note ?? saysNothing})`);
}

function notRunLines(outcomes: readonly Outcome[]): string[] {
  const groups = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    if (outcome.state !== 'skipped') continue;
    const key = JSON.stringify([outcome.file, outcome.note]);
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups.values()].map(([first, ...others]) => {
    if (first === undefined) return '';
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return `${first.file} > ${first.name}${more}: ${first.note ?? saysNothing}`;
  });
}
