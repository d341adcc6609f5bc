import type { Link } from '../../kernel/types.ts';
import { formatInterfaceAddress } from '../../net/prefix.ts';
import { table } from './table.ts';

/** The links of a pod as its kernel shows them, `lo` aside. */
export function podInterfaces(links: readonly Link[]): string[] {
  const rows = links
    .filter((link) => link.name !== 'lo')
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    .map((link) => [
      link.name,
      link.addresses
        .filter(({ scope }) => scope === 'global')
        .map(({ address, prefix }) => formatInterfaceAddress(address, prefix.length))
        .join(' '),
      [link.kind, link.mode].filter((word) => word !== undefined).join(' '),
      link.mac,
      String(link.mtu),
      link.altnames.join(' '),
    ]);
  return table([['interface', 'address', 'kind', 'MAC', 'MTU', 'also known as'], ...rows]);
}
