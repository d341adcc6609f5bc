import { beforeEach, inject } from 'vitest';
import type { Real } from './global-setup.ts';

/** The real programs, for `beforeAll`; undefined where there are none, and then every test of the file is named as not run. */
export function realOrSkip(): Exclude<Real, { missing: string }> | undefined {
  const real = inject('real');
  if (!('missing' in real)) return real;
  beforeEach((ctx) => ctx.skip(real.missing));
  return undefined;
}
