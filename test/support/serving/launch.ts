import { join } from 'node:path';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import { createSpawner, type Spawner } from '../../../src/spawner/spawner.ts';

const file = join(import.meta.dirname, '../../../build/spawner/spawner');

/** Starts programs on a host of the lab, in its `/`: entered once, not for each program. */
export function launchOn(host: LabHost): Spawner {
  return createSpawner({ file, prefix: host.prefix, cwd: '/' });
}
