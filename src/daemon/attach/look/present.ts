import type { CniResult, ResultInterface } from '../../../cni/types.ts';
import type { Link } from '../../../kernel/types.ts';
import { sameAddress } from '../../../net/address.ts';
import { parseInterfaceAddress } from '../../../net/prefix.ts';

/**
 * What of a result is not in a namespace: interfaces by name and MAC, addresses by value and prefix length. Looked at, not
 * believed: a namespace may have been emptied, and the kernel gives its inode number to the next one at once. More links or
 * addresses than the result has are fine (chained plugins add some).
 * @param links all links of the namespace
 * @returns one sentence for each thing missing, empty when all is there
 */
export function missingOf(result: CniResult, links: readonly Link[]): readonly string[] {
  const problems: string[] = [];
  for (const [index, wanted] of result.interfaces.entries()) {
    if (wanted.sandbox === undefined || wanted.sandbox === '') continue;
    const link = links.find(({ name }) => name === wanted.name);
    if (link === undefined) {
      problems.push(`interface ${wanted.name} is missing`);
      continue;
    }
    if (!hasMac(link, wanted)) problems.push(`interface ${wanted.name} has MAC ${link.mac}, not ${wanted.mac}`);
    for (const ip of result.ips) {
      if (ip.interface === index && !carries(link, ip.address)) {
        problems.push(`address ${ip.address} is missing on interface ${wanted.name}`);
      }
    }
  }
  return problems;
}

/** Interfaces of a result that have another MTU by now; a result without MTU says nothing. */
export function wrongMtus(result: CniResult, links: readonly Link[]): readonly string[] {
  return result.interfaces.flatMap((wanted) => {
    const link = links.find(({ name }) => name === wanted.name);
    if (wanted.mtu === undefined || link === undefined || link.mtu === wanted.mtu) return [];
    return [`interface ${wanted.name} has MTU ${link.mtu}, not ${wanted.mtu}`];
  });
}

/** Whether the link is the interface as far as its MAC says; a result without MAC says nothing. */
export function hasMac(link: Link, wanted: Pick<ResultInterface, 'mac'>): boolean {
  return wanted.mac === undefined || link.mac.toLowerCase() === wanted.mac.toLowerCase();
}

function carries(link: Link, text: string): boolean {
  const { address, prefix } = parseInterfaceAddress(text);
  return link.addresses.some((held) => sameAddress(held.address, address) && held.prefix.length === prefix.length);
}
