import type { Link } from '../../src/kernel/types.ts';

/** An Ethernet link that is up, as the kernel lists one. */
export function linkOf(name: string, more: Partial<Link> = {}): Link {
  return {
    index: 7,
    name,
    altnames: [],
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    up: true,
    carrier: true,
    lowerElsewhere: false,
    addresses: [],
    ...more,
  };
}
