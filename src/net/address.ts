import { isIP } from 'node:net';
import { parseIp, stringifyIp } from 'ip-bigint';

/** 4 for IPv4, 6 for IPv6. */
export type Family = 4 | 6;

/** One IP address: `value` is the address as an unsigned integer of 32 (IPv4) or 128 (IPv6) bits. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A text that is no address or prefix; `message` names the text and what would be right. */
export class NetError extends Error {
  override readonly name = 'NetError';
}

/** Bits of an address of the family: 32 or 128. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/**
 * Parses one address, strictly: IPv4 as four decimal parts without leading zeros, IPv6 as RFC 4291 section 2.2 writes it,
 * without a zone and without an embedded IPv4-mapped address (which would be two names for one host).
 * @throws NetError naming the text
 */
export function parseAddress(text: string): Address {
  const family = isIP(text);
  if ((family !== 4 && family !== 6) || text.includes('%')) {
    throw new NetError(`"${text}" is not an IP address (examples: 10.1.0.7, fd00::7)`);
  }
  const { number } = parseIp(text);
  // The parser marks only the dotted spelling; ::ffff:a00:1 is the same address.
  if (family === 6 && number >> 32n === 0xffffn)
    throw new NetError(`"${text}" is an IPv4-mapped address: write it as IPv4`);
  return { family, value: number };
}

/** Prints an address: IPv4 dotted, IPv6 in the short form of RFC 5952. */
export function formatAddress(address: Address): string {
  return stringifyIp({ number: address.value, version: address.family });
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Orders by family, then value. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family - b.family;
  return a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
}
