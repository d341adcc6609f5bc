import { createHosts, type Hosts } from '../hosts/hosts.ts';
import type { HostsSpec } from '../hosts/plan.ts';
import { cleanDead, cleanLab } from './clean.ts';
import { findPrograms } from './programs.ts';
import { createRunner, type Runner } from './runner.ts';
import { createState, type StateFile } from './state.ts';
import { raiseNeighbourLimits } from './sysctls.ts';

/** Where labs keep their records; /run is empty after a boot, as is everything a lab makes. */
export const defaultRoot = '/run/multinic-lab';

export interface BareLabOptions extends HostsSpec {
  /** Folder of all labs' records. */
  readonly root?: string;
  /** Pods that will be attached, for the size of the neighbour tables. */
  readonly pods?: number;
}

/** Hosts and rails without a cluster on them. */
export interface BareLab {
  readonly id: string;
  readonly dir: string;
  readonly runner: Runner;
  readonly file: StateFile;
  readonly network: Hosts;
  close(): Promise<void>;
}

/**
 * Cleans up after labs that were killed, then makes hosts and rails.
 * @throws Error saying what is missing; nothing is left of the lab then
 */
export async function createBareLab(options: BareLabOptions): Promise<BareLab> {
  if (process.getuid?.() !== 0) throw new Error('the lab makes network namespaces: run it as root');
  const root = options.root ?? defaultRoot;
  const programs = findPrograms();
  await cleanDead(root, { kept: false });
  const file = createState(root);
  const runner = createRunner(file.state.id, root);
  const close = () => cleanLab(root, file.dir, file.state).then(() => undefined);
  try {
    raiseNeighbourLimits(file, root, neighbours(options));
    const network = await createHosts(runner, file, options, programs);
    return { id: file.state.id, dir: file.dir, runner, file, network, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Entries that all namespaces may have at once: each pod every other on each NIC, each host every other on each NIC. */
function neighbours({ hosts, nics, pods = 0 }: BareLabOptions): number {
  return nics * pods * pods + (nics + 1) * hosts * hosts;
}
