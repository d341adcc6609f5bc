import { type Address, bitsOf, type Family, formatAddress, NetError, parseAddress } from './address.ts';

/** A block of addresses: `base` is its first address, whose host bits are all zero; `length` is 0…32 or 0…128. */
export interface Prefix {
  readonly family: Family;
  readonly base: bigint;
  readonly length: number;
}

/** An address together with the prefix it lies in, as a link carries it (10.1.0.7/24). */
export interface InterfaceAddress {
  readonly address: Address;
  readonly prefix: Prefix;
}

/**
 * Parses `address/length`; refuses set host bits and names the prefix that was probably meant.
 * @throws NetError
 */
export function parsePrefix(text: string): Prefix {
  const { address, prefix } = parseInterfaceAddress(text);
  if (address.value !== prefix.base) {
    throw new NetError(`"${text}" has bits set behind its prefix length: write ${formatPrefix(prefix)}`);
  }
  return prefix;
}

/** Parses `address/length` where the address may be any of the prefix. @throws NetError */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const slash = text.indexOf('/');
  if (slash < 0) throw new NetError(`"${text}" has no prefix length (example: 10.1.0.0/16)`);
  const address = parseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  const length = Number(digits);
  if (!/^(0|[1-9]\d{0,2})$/.test(digits) || length > bitsOf(address.family)) {
    throw new NetError(`"${text}": the prefix length must be 0 to ${bitsOf(address.family)}`);
  }
  return { address, prefix: prefixOf(address, length) };
}

/** The prefix of that length which holds the address. */
export function prefixOf(address: Address, length: number): Prefix {
  const hostBits = BigInt(bitsOf(address.family) - length);
  return { family: address.family, base: (address.value >> hostBits) << hostBits, length };
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(firstAddress(prefix))}/${prefix.length}`;
}

export function formatInterfaceAddress(address: Address, length: number): string {
  return `${formatAddress(address)}/${length}`;
}

export function samePrefix(a: Prefix, b: Prefix): boolean {
  return a.family === b.family && a.base === b.base && a.length === b.length;
}

/** Orders by family, base, then length (shorter, that is larger, first). */
export function comparePrefixes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.base !== b.base) return a.base < b.base ? -1 : 1;
  return a.length - b.length;
}

/** Number of addresses: 1 … 2^128. */
export function sizeOf(prefix: Prefix): bigint {
  return 1n << BigInt(bitsOf(prefix.family) - prefix.length);
}

export function firstAddress(prefix: Prefix): Address {
  return { family: prefix.family, value: prefix.base };
}

export function lastAddress(prefix: Prefix): Address {
  return { family: prefix.family, value: prefix.base + sizeOf(prefix) - 1n };
}

export function containsAddress(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  const hostBits = BigInt(bitsOf(prefix.family) - prefix.length);
  return address.value >> hostBits === prefix.base >> hostBits;
}

/** Whether every address of `inner` is in `outer` (equal prefixes contain each other). */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && containsAddress(outer, firstAddress(inner));
}

export function overlaps(a: Prefix, b: Prefix): boolean {
  return containsPrefix(a, b) || containsPrefix(b, a);
}

/** Place of the address in the prefix, from 0. @throws NetError when it is outside */
export function offsetOf(prefix: Prefix, address: Address): bigint {
  if (!containsAddress(prefix, address)) {
    throw new NetError(`${formatAddress(address)} is not in ${formatPrefix(prefix)}`);
  }
  return address.value - prefix.base;
}

/** The address at that place, 0 … size - 1. @throws NetError when it is outside */
export function addressAt(prefix: Prefix, offset: bigint): Address {
  if (offset < 0n || offset >= sizeOf(prefix)) {
    throw new NetError(`offset ${offset} is outside ${formatPrefix(prefix)}, which has ${sizeOf(prefix)} addresses`);
  }
  return { family: prefix.family, value: prefix.base + offset };
}

/**
 * The `index`-th of the 2^bits equal parts of the prefix: the index stands in the bits right behind the prefix.
 * @throws NetError when the bits do not fit the family or the index does not fit the bits
 */
export function partOf(prefix: Prefix, index: number, bits: number): Prefix {
  const length = prefix.length + bits;
  if (length > bitsOf(prefix.family)) {
    throw new NetError(`${formatPrefix(prefix)} has no room for ${bits} more bits`);
  }
  if (!Number.isSafeInteger(index) || index < 0 || BigInt(index) >= 1n << BigInt(bits)) {
    throw new NetError(`index ${index} does not fit ${bits} bits`);
  }
  return {
    family: prefix.family,
    base: prefix.base | (BigInt(index) << BigInt(bitsOf(prefix.family) - length)),
    length,
  };
}
