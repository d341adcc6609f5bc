import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Tests start hundreds of our programs from source: what Node made of a file is kept, which halves a start.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'build/compile-cache');

/** Files that change what all namespaces of the machine share, or look at it. */
const alone = ['test/component/lab/clean.test.ts'];
/** Longest first: one that began last would run on by itself. */
const long = [
  'test/e2e/scenarios',
  'test/e2e/two-operators',
  'test/e2e/operator-outage',
  'test/e2e/kube-faults',
  'test/e2e/',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = long.findIndex((one) => moduleId.includes(`/${one}`));
      return place === -1 ? long.length : place;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

/** What `expect.poll` waits where a test names no limit: vitest's own second is short for a machine that is busy. */
const patient = { expect: { poll: { timeout: 30_000 } } } as const;

// Pure code shares one worker (isolation costs 10 x there). What touches the kernel runs after it, each file isolated, two side by side:
// most of their time is waiting. Then what must have the machine for itself.
const lanes = {
  ...patient,
  pool: 'forks',
  maxWorkers: 2,
  // For what hangs: nothing that is only slow is to meet them, so that each wait in a test tells itself what it missed.
  testTimeout: 600_000,
  hookTimeout: 600_000,
  sequence: { groupOrder: 1 },
} as const;

export default defineConfig({
  test: {
    reporters: ['./test/support/reporter.ts'],
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...patient,
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          isolate: false,
          testTimeout: 300_000,
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...lanes, name: 'component', include: ['test/component/**/*.test.ts'], exclude: alone } },
      { test: { ...lanes, name: 'e2e', include: ['test/e2e/**/*.test.ts'] } },
      { test: { ...lanes, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
