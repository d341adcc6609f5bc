import type { Kernel } from '../../kernel/types.ts';
import { overlaps, type Prefix, parsePrefix } from '../../net/prefix.ts';

/**
 * Picks a /24 for the management network that nothing on this machine uses, from 198.18.0.0/15 (set aside for tests by
 * RFC 2544); answers its first three parts, as `198.18.7`.
 * @param take false: another lab has picked it, which need not have given itself an address there yet
 * @throws Error when all are taken
 */
export async function pickMgmtPrefix(
  kernel: Kernel,
  id: string,
  take: (candidate: string) => Promise<boolean>,
): Promise<string> {
  const used = await usedPrefixes(kernel);
  const start = Number.parseInt(id, 36) % 512;
  for (let step = 0; step < 512; step++) {
    const number = (start + step) % 512;
    const candidate = `198.${18 + (number >> 8)}.${number & 255}`;
    const prefix = parsePrefix(`${candidate}.0/24`);
    if (!used.some((other) => overlaps(other, prefix)) && (await take(candidate))) return candidate;
  }
  throw new Error('every /24 of 198.18.0.0/15 is in use on this machine: the lab needs one for its management network');
}

/** Networks that this machine has an address in or a route to, the default route aside. */
async function usedPrefixes(kernel: Kernel): Promise<Prefix[]> {
  const routes = await kernel.routes({ family: 4, table: 'all' });
  return routes.map((route) => route.dst).filter((prefix) => prefix.length > 0);
}
