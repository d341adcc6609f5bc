import type { Kernel, Netns } from '../kernel/types.ts';
import { routeProtocol } from './constants.ts';
import { asObserved, diff, type Observed, type Step } from './diff.ts';
import { foreignTables } from './tables.ts';
import type { RouteSet } from './types.ts';

export interface SyncOptions {
  readonly netns?: Netns;
  /**
   * What this process applied last, without problems, and nothing has happened since: then the kernel is not read, and the
   * cost is that of the change.
   */
  readonly since?: readonly RouteSet[];
}

export interface SyncOutcome {
  /** Commands that were run: 0 when all was as desired. */
  readonly commands: number;
  /** By network, what the kernel refused; under '' what belongs to no network any more. */
  readonly problems: ReadonlyMap<string, readonly string[]>;
}

/**
 * Makes the kernel's routes and rules with our protocol number exactly those of the sets; sets that are gone lose theirs.
 * Nothing else is touched.
 * @throws KernelError when the state cannot be read or `ip` cannot be run
 */
export async function syncRoutes(
  kernel: Kernel,
  sets: readonly RouteSet[],
  options: SyncOptions = {},
): Promise<SyncOutcome> {
  const { netns, since } = options;
  const observed = since === undefined ? await observe(kernel, netns) : asObserved(since);
  const steps = diff(observed, sets);
  if (steps.length === 0) return { commands: 0, problems: new Map() };
  const answers = await kernel.batch(
    steps.map((step) => step.command),
    netns,
  );
  return { commands: steps.length, problems: problemsOf(steps, answers) };
}

/** Tables that others use: to be asked before a table is chosen, and now and then, as it reads every route. */
export async function readForeignTables(kernel: Kernel, netns?: Netns): Promise<Set<number>> {
  const [routes4, routes6, rules4, rules6] = await Promise.all([
    kernel.routes({ family: 4, table: 'all', netns }),
    kernel.routes({ family: 6, table: 'all', netns }),
    kernel.rules({ family: 4, netns }),
    kernel.rules({ family: 6, netns }),
  ]);
  return foreignTables([...routes4, ...routes6], [...rules4, ...rules6]);
}

async function observe(kernel: Kernel, netns: Netns): Promise<Observed> {
  const ours = { table: 'all', protocol: routeProtocol, netns } as const;
  const [routes4, routes6, rules4, rules6] = await Promise.all([
    kernel.routes({ family: 4, ...ours }),
    kernel.routes({ family: 6, ...ours }),
    kernel.rules({ family: 4, netns }),
    kernel.rules({ family: 6, netns }),
  ]);
  return { routes: [...routes4, ...routes6], rules: [...rules4, ...rules6] };
}

/** Of one network, so many are told in full. */
const told = 10;

function problemsOf(steps: readonly Step[], answers: readonly (string | undefined)[]): Map<string, string[]> {
  const problems = new Map<string, string[]>();
  for (const [index, { command, network = '', harmless }] of steps.entries()) {
    const said = answers[index];
    if (said === undefined || harmless?.test(said) === true) continue;
    const list = problems.get(network) ?? [];
    list.push(`"ip ${command.join(' ')}": ${said}`);
    problems.set(network, list);
  }
  for (const [network, list] of problems) {
    if (list.length > told) problems.set(network, [...list.slice(0, told), `and ${list.length - told} more`]);
  }
  return problems;
}
