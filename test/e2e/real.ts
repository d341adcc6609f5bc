import { beforeEach } from 'vitest';
import { buildPrograms, NotBuiltError, type RealPrograms } from './control-plane/programs.ts';

/**
 * The real programs, built if they are not yet; undefined where they cannot be, and then every test of the file is named as not run.
 * Called at the top of a test file, not in a set-up of the whole run, which would keep all other tests waiting.
 */
export function realOrSkip(): RealPrograms | undefined {
  try {
    return buildPrograms();
  } catch (error) {
    if (!(error instanceof NotBuiltError)) throw error;
    beforeEach((ctx) => ctx.skip(error.message));
    return undefined;
  }
}
