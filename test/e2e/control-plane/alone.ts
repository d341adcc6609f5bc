import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaultRoot } from '../../../src/lab/run/bare-lab.ts';
import { cleanDead, cleanLab } from '../../../src/lab/run/clean.ts';
import { createRunner } from '../../../src/lab/run/runner.ts';
import { createState } from '../../../src/lab/run/state.ts';
import { type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import type { RealPrograms } from './programs.ts';

/** A control plane without hosts, on loopback. */
export interface Alone {
  /** The administrator's. */
  readonly kubeconfig: string;
  readonly auditLog: string;
  /** URL of its etcd. */
  readonly etcd: string;
  /** See ControlPlane. */
  readonly relearn: () => Promise<void>;
  /** Writes a kubeconfig for any token; answers its path. */
  login(user: string, token: string): string;
  close(): Promise<void>;
}

/** Starts one for tests that need only an API server. Its record is a lab's: should nobody close it, the next lab does. */
export async function startAlone(programs: RealPrograms, flags: ControlPlaneOptions['flags'] = {}): Promise<Alone> {
  await cleanDead(defaultRoot, { kept: false });
  const file = createState(defaultRoot);
  const runner = createRunner(file.state.id, defaultRoot);
  const close = async (): Promise<void> => {
    await cleanLab(defaultRoot, file.dir, file.state);
  };
  try {
    const dir = join(file.dir, 'api');
    mkdirSync(dir, { mode: 0o700 });
    const { access, client, auditLog, etcd, relearn } = await startControlPlane({
      programs,
      dir,
      address: '127.0.0.1',
      flags,
      start(name, argv, log) {
        const child = runner.start(argv, log);
        if (child.pid !== undefined) file.addProcess(name, child.pid);
        return child;
      },
    });
    await client.close();
    const login = (user: string, token: string): string => access.login(user, token);
    return { kubeconfig: access.admin, auditLog, etcd, relearn, login, close };
  } catch (error) {
    await close();
    throw error;
  }
}
