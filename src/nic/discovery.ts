import type { Nic } from '../api/host.ts';
import type { Kernel, Route } from '../kernel/types.ts';
import { type DeviceFacts, deviceFacts, nicOf } from './nic.ts';
import { type Pool, poolOf } from './pool.ts';

export interface DiscoveryOptions {
  readonly kernel: Kernel;
  /** Patterns of names to take besides links with a device (`eth[1-9]*`). */
  readonly include?: readonly string[];
  /** Patterns of names never to take. */
  readonly exclude?: readonly string[];
}

export interface Discovery {
  /** By name, numbers inside by value. */
  readonly nics: readonly Nic[];
  readonly rejected: Pool['rejected'];
}

/** Looks at links, devices and default routes of the host once. @throws KernelError, RangeError for a wrong pattern */
export async function discoverNics(options: DiscoveryOptions): Promise<Discovery> {
  const { kernel, include = [], exclude = [] } = options;
  const [links, v4, v6] = await Promise.all([
    kernel.links(),
    kernel.routes({ family: 4 }),
    kernel.routes({ family: 6 }),
  ]);
  const read = (path: string): string | undefined => kernel.sysfs(path);
  const facts = new Map<string, DeviceFacts>(links.map(({ name }) => [name, deviceFacts(name, read)]));
  const pool = poolOf({
    links,
    devices: new Set([...facts].filter(([, { present }]) => present).map(([name]) => name)),
    defaultLinks: defaultLinks([...v4, ...v6]),
    include,
    exclude,
  });
  const nics = pool.links.map((link) => nicOf(link, facts.get(link.name) ?? { present: false }));
  return { nics, rejected: pool.rejected };
}

function defaultLinks(routes: readonly Route[]): Set<string> {
  const links = routes
    .filter((route) => route.dst.length === 0 && route.type === 'unicast')
    .map((route) => route.dev)
    .filter((dev) => dev !== undefined);
  return new Set(links);
}
