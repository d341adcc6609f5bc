import { createKernel } from '../../src/kernel/ip.ts';
import { formatAddress } from '../../src/net/address.ts';
import { formatPrefix, type Prefix } from '../../src/net/prefix.ts';

/** Links, their addresses, routes of all tables and rules of a namespace, as texts that can be compared. */
export async function stateOf(netns: string): Promise<readonly string[]> {
  // Only what hangs is to meet the limit.
  const kernel = createKernel({ timeoutMs: 120_000 });
  const families = [4, 6] as const;
  const links = await kernel.links(netns);
  const routes = await Promise.all(families.map((family) => kernel.routes({ family, table: 'all', netns })));
  const rules = await Promise.all(families.map((family) => kernel.rules({ family, netns })));
  return [
    ...links.map(({ name, mac, mtu, up }) => `link ${name} ${mac} ${mtu} ${up}`),
    ...links.flatMap(({ name, addresses }) =>
      addresses.map(
        ({ address, prefix }) =>
          `address ${formatAddress(address)}/${prefix.length} of family ${address.family} on ${name}`,
      ),
    ),
    // What the kernel makes by itself for a cable's link-local address may come late.
    ...routes
      .flat()
      .filter(({ protocol }) => protocol !== 2)
      .map(({ family, dst, via, dev, table, protocol, metric }) => {
        const gateway = via === undefined ? '' : ` via ${formatAddress(via)}`;
        return `route ${family} ${formatPrefix(dst)}${gateway} dev ${dev} table ${table} protocol ${protocol} metric ${metric}`;
      }),
    ...rules.flat().map(({ family, priority, from, to, table, protocol }) => {
      return `rule ${family} ${priority}${selector('from', from)}${selector('to', to)} lookup ${table} protocol ${protocol}`;
    }),
  ];
}

function selector(word: string, prefix: Prefix | undefined): string {
  return prefix === undefined ? '' : ` ${word} ${formatPrefix(prefix)}`;
}

/** What came and what went between two looks, but for IPv6 addresses of the host's links, which come late. */
export function difference(where: 'pod' | 'host', before: readonly string[], after: readonly string[]): string[] {
  const isSettling = (text: string): boolean => text.includes('of family 6') && where === 'host';
  return [
    ...after.filter((text) => !before.includes(text) && !isSettling(text)).map((text) => `${where}: ${text}`),
    ...before.filter((text) => !after.includes(text) && !isSettling(text)).map((text) => `${where}: missing ${text}`),
  ];
}
