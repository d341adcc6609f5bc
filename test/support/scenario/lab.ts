import { createLab as create, type Lab, type LabOptions } from '../../../src/lab/lab.ts';
import { buildPrograms } from '../../e2e/control-plane/programs.ts';
import { realApi } from '../../e2e/control-plane/source.ts';
import { witnessed } from './witness.ts';

/** When it is set, labs of scenarios are built on the real control plane. */
export const realLabs = 'MULTINIC_TEST_REAL_LABS';

/** A lab as its owner makes it, on the embedded API server or a real one; closed, it tells of calls that no daemon may make. */
export async function createLab(options: LabOptions): Promise<Lab> {
  if (process.env[realLabs] === undefined) return witnessed(await create(options));
  return witnessed(await create({ ...options, api: realApi(buildPrograms()) }));
}
