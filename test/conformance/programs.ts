import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const repository = join(import.meta.dirname, '../..');

/** Compiled programs of the suite: made once, by a kernel that is quick at it. */
export interface TestPrograms {
  /** Stands in the place of delegates. */
  readonly recorder: string;
  /** The shim, waiting 1 s instead of 60 for a daemon that is away. */
  readonly impatient: string;
}

export function buildPrograms(): TestPrograms {
  const folder = join(repository, 'build/conformance');
  const build = (source: string, name: string, ...options: string[]): string => {
    const output = join(folder, name);
    const env = { ...process.env, SOURCE: source };
    const argv = [join(repository, 'tools/build-shim.sh'), output, ...options];
    execFileSync('sh', argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return output;
  };
  return {
    recorder: build('test/conformance/recorder.c', 'recorder'),
    impatient: build('src/shim/multi-nic.c', 'impatient-multi-nic', '-DADD_WAIT_MS=1000'),
  };
}
