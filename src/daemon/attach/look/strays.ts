import type { Link } from '../../../kernel/types.ts';
import type { AttachmentRecord } from '../../../store/types.ts';

/** ip.RandomVethName of the CNI plugins: `veth` and four random bytes. */
const temporaryName = /^veth[0-9a-f]{8}$/;

/**
 * Half-made links of an attachment that was never answered: the ipvlan and macvlan plugins make a link under a random name and
 * rename it, so that one that is killed in between (late, caller gone, restart) leaves it, and its DEL looks for the other name.
 * Nobody else makes such links there meanwhile, as runtimes call one plugin at a time for a container.
 */
export function strays(record: AttachmentRecord, links: readonly Link[]): readonly Link[] {
  if (record.result !== undefined) return [];
  const kinds = new Set<string>(record.calls.map(({ plugin }) => plugin));
  return links.filter((link) => kinds.has(link.kind ?? '') && isHalfMade(link));
}

function isHalfMade({ name, lowerElsewhere, addresses }: Link): boolean {
  return temporaryName.test(name) && lowerElsewhere && !addresses.some(({ scope }) => scope === 'global');
}
