import { isIP } from 'node:net';
import fc from 'fast-check';
import IpCidr from 'ip-cidr';
import { Netmask } from 'netmask';
import { describe, expect, it } from 'vitest';
import {
  bitsOf,
  compareAddresses,
  type Family,
  formatAddress,
  NetError,
  parseAddress,
  sameAddress,
} from '../../../src/net/address.ts';
import {
  addressAt,
  comparePrefixes,
  containsAddress,
  containsPrefix,
  firstAddress,
  formatPrefix,
  lastAddress,
  offsetOf,
  overlaps,
  type Prefix,
  parseInterfaceAddress,
  parsePrefix,
  partOf,
  prefixOf,
  sizeOf,
} from '../../../src/net/prefix.ts';

const ipv4 = fc.ipV4();
// ip-cidr takes ::1.2.3.4 for IPv4: addresses with a dotted tail are compared by hand below.
const ipv6 = fc.ipV6().filter((text) => isIP(text) === 6 && !text.includes('.') && !mapped(text));
const lengths = (family: Family) => fc.nat(bitsOf(family));
const prefixes = fc.oneof(prefixOfFamily(ipv4, 4), prefixOfFamily(ipv6, 6));

function prefixOfFamily(text: fc.Arbitrary<string>, family: Family): fc.Arbitrary<Prefix> {
  return fc.tuple(text, lengths(family)).map(([one, length]) => prefixOf(parseAddress(one), length));
}

function mapped(text: string): boolean {
  return new IpCidr('::ffff:0:0/96').contains(text);
}

describe('addresses and prefixes against the oracles', () => {
  it('agrees with netmask on IPv4', () => {
    fc.assert(
      fc.property(ipv4, lengths(4), ipv4, (text, length, other) => {
        const ours = parseInterfaceAddress(`${text}/${length}`).prefix;
        const theirs = new Netmask(`${text}/${length}`);
        expect(formatAddress(firstAddress(ours))).toBe(theirs.base);
        expect(formatPrefix(ours)).toBe(`${theirs.base}/${theirs.bitmask}`);
        expect(Number(sizeOf(ours))).toBe(theirs.size);
        expect(containsAddress(ours, parseAddress(other))).toBe(theirs.contains(other));
        expect(lastAddress(ours).value).toBe(BigInt(theirs.netLong + theirs.size - 1));
      }),
    );
  });

  it('agrees with netmask on containment of IPv4 prefixes', () => {
    fc.assert(
      fc.property(ipv4, lengths(4), fc.nat(32), (text, length, deeper) => {
        const outer = parseInterfaceAddress(`${text}/${length}`).prefix;
        const inner = prefixOf(parseAddress(text), deeper);
        expect(containsPrefix(outer, inner)).toBe(new Netmask(formatPrefix(outer)).contains(formatPrefix(inner)));
      }),
    );
  });

  it.each([
    ['IPv4', ipv4, 4],
    ['IPv6', ipv6, 6],
  ] as const)('agrees with ip-cidr on %s', (_, text, family) => {
    fc.assert(
      fc.property(text, lengths(family), text, (one, length, other) => {
        const ours = parseInterfaceAddress(`${one}/${length}`).prefix;
        const theirs = new IpCidr(`${one}/${length}`);
        expect(firstAddress(ours).value).toBe(theirs.start({ type: 'bigInteger' }));
        expect(lastAddress(ours).value).toBe(theirs.end({ type: 'bigInteger' }));
        expect(sizeOf(ours)).toBe(theirs.size);
        expect(containsAddress(ours, parseAddress(other))).toBe(theirs.contains(other));
      }),
    );
  });

  it('prints what it parses, and ip-cidr reads the same number from it', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), (text) => {
        const address = parseAddress(text);
        const printed = formatAddress(address);
        expect(isIP(printed)).toBe(address.family);
        expect(sameAddress(parseAddress(printed), address)).toBe(true);
        const whole = new IpCidr(`${printed}/${bitsOf(address.family)}`);
        expect(whole.start({ type: 'bigInteger' })).toBe(address.value);
      }),
    );
  });

  it('cuts a prefix into parts that are disjoint, in order and inside it', () => {
    fc.assert(
      fc.property(prefixes, fc.integer({ min: 1, max: 31 }), fc.nat(), fc.nat(), (prefix, bits, a, b) => {
        fc.pre(prefix.length + bits <= bitsOf(prefix.family));
        const [low, high] = [a % 2 ** bits, b % 2 ** bits].sort((x, y) => x - y);
        const first = partOf(prefix, low ?? 0, bits);
        const second = partOf(prefix, high ?? 0, bits);
        expect(containsPrefix(prefix, first) && containsPrefix(prefix, second)).toBe(true);
        expect(overlaps(first, second)).toBe(low === high);
        expect(Math.sign(comparePrefixes(first, second))).toBe(low === high ? 0 : -1);
        expect(second.base - first.base).toBe(BigInt((high ?? 0) - (low ?? 0)) * sizeOf(first));
        expect(() => partOf(prefix, 2 ** bits, bits)).toThrow(NetError);
      }),
    );
  });

  it('maps places to addresses and back', () => {
    fc.assert(
      fc.property(prefixes, fc.bigInt({ min: 0n, max: 2n ** 128n }), (prefix, raw) => {
        const place = raw % sizeOf(prefix);
        expect(offsetOf(prefix, addressAt(prefix, place))).toBe(place);
        expect(() => addressAt(prefix, sizeOf(prefix))).toThrow(NetError);
      }),
    );
  });

  it('never finds one family in the other', () => {
    fc.assert(
      fc.property(ipv4, ipv6, (four, six) => {
        expect(overlaps(parsePrefix('::/0'), parsePrefix('0.0.0.0/0'))).toBe(false);
        expect(containsAddress(parsePrefix('::/0'), parseAddress(four))).toBe(false);
        expect(compareAddresses(parseAddress(four), parseAddress(six))).toBeLessThan(0);
      }),
    );
  });
});

describe('strictness', () => {
  it('reads a dotted tail as the last 32 bits', () => {
    expect(parseAddress('64:ff9b::192.0.2.33')).toEqual(parseAddress('64:ff9b::c000:221'));
    expect(parseAddress('::1.2.3.4').value).toBe(0x01020304n);
  });

  it.each([
    '010.0.0.1',
    '10.1',
    '0x0a.0.0.1',
    '167772161',
    '',
    ' 10.0.0.1',
    '10.0.0.1 ',
    '10.0.0.256',
    '1.2.3.4.5',
    '10.0.0.1/8',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    'fe80::1%eth0',
    ':::',
    '1::2::3',
    'g::1',
    'localhost',
  ])('refuses the address %j', (text) => {
    expect(() => parseAddress(text)).toThrow(NetError);
  });

  it.each([
    ['10.0.0.0', 'no prefix length'],
    ['/8', 'not an IP address'],
    ['10.0.0.0/', 'prefix length'],
    ['10.0.0.0/33', '0 to 32'],
    ['fd00::/129', '0 to 128'],
    ['10.0.0.0/08', 'prefix length'],
    ['10.0.0.0/+8', 'prefix length'],
    ['10.0.0.0/8 ', 'prefix length'],
    ['10.0.0.0/8/8', 'prefix length'],
    ['10.0.0.0/255.0.0.0', 'prefix length'],
    ['10.1.2.3/16', '10.1.0.0/16'],
    ['192.168.0.0/8', '192.0.0.0/8'],
    ['fd00::1/64', 'fd00::/64'],
    ['::ffff:10.0.0.0/104', 'IPv4-mapped'],
  ])('refuses the prefix %j and says %j', (text, hint) => {
    expect(() => parsePrefix(text)).toThrow(hint);
    expect(() => parsePrefix(text)).toThrow(NetError);
  });

  it('refuses whatever node:net does not take for an address', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(isIP(text) === 0);
        expect(() => parseAddress(text)).toThrow(NetError);
      }),
    );
  });
});
