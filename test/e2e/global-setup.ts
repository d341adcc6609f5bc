import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { defaultRoot } from '../../src/lab/run/bare-lab.ts';
import { cleanDead, cleanLab } from '../../src/lab/run/clean.ts';
import { createRunner } from '../../src/lab/run/runner.ts';
import { createState } from '../../src/lab/run/state.ts';
import { startControlPlane } from './control-plane/control-plane.ts';
import { buildPrograms, NotBuiltError, type RealPrograms } from './control-plane/programs.ts';

/** What the tests of this project are given. */
export type Real =
  | {
      readonly programs: RealPrograms;
      /** Administrator's kubeconfig of a control plane without hosts, for tests that need only an API server. */
      readonly kubeconfig: string;
    }
  | { readonly missing: string };

declare module 'vitest' {
  interface ProvidedContext {
    real: Real;
  }
}

/** Builds the real programs and starts a control plane on loopback, which ends with the run (or is found by the next lab). */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = built();
  if (typeof programs === 'string') {
    project.provide('real', { missing: programs });
    return async () => {};
  }
  await cleanDead(defaultRoot, { kept: false });
  const file = createState(defaultRoot);
  const runner = createRunner(file.state.id, defaultRoot);
  const end = async (): Promise<void> => {
    await cleanLab(defaultRoot, file.dir, file.state);
  };
  try {
    const dir = join(file.dir, 'api');
    mkdirSync(dir, { mode: 0o700 });
    const { access, client } = await startControlPlane({
      programs,
      dir,
      address: '127.0.0.1',
      start(name, argv, log) {
        const child = runner.start(argv, log);
        if (child.pid !== undefined) file.addProcess(name, child.pid);
        return child;
      },
    });
    await client.close();
    project.provide('real', { programs, kubeconfig: access.admin });
    return end;
  } catch (error) {
    await end();
    throw error;
  }
}

function built(): RealPrograms | string {
  try {
    return buildPrograms();
  } catch (error) {
    if (error instanceof NotBuiltError) return error.message;
    throw error;
  }
}
