import { inject } from 'vitest';
import { createLab as create, type Lab, type LabOptions } from '../../../src/lab/lab.ts';
import { realApi } from '../../e2e/control-plane/source.ts';
import type { Real } from '../../e2e/global-setup.ts';

/** A lab as its owner makes it, but on the real control plane in runs of `npm run e2e`. */
export function createLab(options: LabOptions): Promise<Lab> {
  const real: Real | undefined = inject('real');
  if (real === undefined || 'missing' in real) return create(options);
  return create({ ...options, api: realApi(real.programs) });
}
