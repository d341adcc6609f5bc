import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyResult, printResult, readResult, resultObject, withPrevious } from '../../../src/cni/result.ts';
import { type CniResult, supportedVersions } from '../../../src/cni/types.ts';

const full: CniResult = {
  interfaces: [
    { name: 'net1', mac: '02:00:00:00:00:01', mtu: 9000, sandbox: '/run/netns/a', pciID: '0000:08:00.1' },
    { name: 'net1-1', mac: '02:00:00:00:00:02', sandbox: '/run/netns/a' },
  ],
  ips: [
    { address: '192.168.0.1/18', interface: 0 },
    { address: 'fd00::1/48', gateway: 'fd00::ffff', interface: 1 },
  ],
  routes: [{ dst: '10.0.0.0/8', gw: '192.168.0.254', mtu: 1400, advmss: 1360, priority: 5, table: 100, scope: 253 }],
  dns: {},
};

describe('printing', () => {
  it.each(['0.3.0', '0.3.1', '0.4.0'] as const)('%s: ips with version, dns always, nothing of 1.1.0', (version) => {
    expect(resultObject(full, version)).toEqual({
      cniVersion: version,
      interfaces: [
        { name: 'net1', mac: '02:00:00:00:00:01', sandbox: '/run/netns/a' },
        { name: 'net1-1', mac: '02:00:00:00:00:02', sandbox: '/run/netns/a' },
      ],
      ips: [
        { version: '4', address: '192.168.0.1/18', interface: 0 },
        { version: '6', address: 'fd00::1/48', gateway: 'fd00::ffff', interface: 1 },
      ],
      routes: [{ dst: '10.0.0.0/8', gw: '192.168.0.254' }],
      dns: {},
    });
  });

  it('1.0.0: neither version nor the keys of 1.1.0', () => {
    const printed = printResult(full, '1.0.0');
    for (const key of ['"version"', 'mtu', 'pciID', 'table', 'advmss', 'priority', 'scope', 'dns']) {
      expect(printed).not.toMatch(key);
    }
    expect(JSON.parse(printed)).toMatchObject({ ips: full.ips, routes: [{ dst: '10.0.0.0/8', gw: '192.168.0.254' }] });
  });

  it('1.1.0: everything', () => {
    expect(JSON.parse(printResult(full, '1.1.0'))).toEqual({
      cniVersion: '1.1.0',
      interfaces: full.interfaces,
      ips: full.ips,
      routes: full.routes,
    });
  });

  it('leaves empty lists out', () => {
    expect(printResult(emptyResult, '1.1.0')).toBe('{"cniVersion":"1.1.0"}');
    expect(printResult(emptyResult, '0.3.1')).toBe('{"cniVersion":"0.3.1","dns":{}}');
  });
});

const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, length]) => `${ip}/${length}`),
  fc
    .tuple(fc.constantFrom('fd00::1', '::', 'fe80::a:b'), fc.integer({ min: 0, max: 128 }))
    .map(([ip, length]) => `${ip}/${length}`),
);
const gateway = fc.constantFrom('10.0.0.1', 'fd00::1');
const number = fc.nat();
const word = fc.string({ minLength: 1 });
const results: fc.Arbitrary<CniResult> = fc
  .array(
    fc.record(
      { name: word, mac: word, mtu: fc.integer({ min: 1, max: 65535 }), sandbox: word, pciID: word },
      { requiredKeys: ['name'] },
    ),
    { maxLength: 4 },
  )
  .chain((interfaces) =>
    fc.record({
      interfaces: fc.constant(interfaces),
      ips: fc.array(
        interfaces.length === 0
          ? fc.record({ address, gateway }, { requiredKeys: ['address'] })
          : fc.record({ address, gateway, interface: fc.nat(interfaces.length - 1) }, { requiredKeys: ['address'] }),
        { maxLength: 4 },
      ),
      routes: fc.array(
        fc.record(
          { dst: address, gw: gateway, mtu: number, advmss: number, priority: number, table: number, scope: number },
          { requiredKeys: ['dst'] },
        ),
        { maxLength: 4 },
      ),
      dns: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.array(word)),
    }),
  );
const version = fc.constantFrom(...supportedVersions);

describe('reading', () => {
  it('gives back what was printed as 1.1.0', () => {
    fc.assert(
      fc.property(results, (result) => {
        expect(readResult(JSON.parse(printResult(result, '1.1.0')), '0.3.0')).toEqual(result);
      }),
    );
  });

  it('of any version and printing as it again changes nothing', () => {
    fc.assert(
      fc.property(results, version, version, (result, version, fallback) => {
        const printed = printResult(result, version);
        expect(printResult(readResult(JSON.parse(printed), fallback), version)).toBe(printed);
      }),
    );
  });

  it('loses only what the older version cannot say', () => {
    fc.assert(
      fc.property(results, version, (result, version) => {
        const back = readResult(JSON.parse(printResult(result, version)), version);
        expect(back.ips).toEqual(result.ips);
        expect(back.interfaces.map(({ name }) => name)).toEqual(result.interfaces.map(({ name }) => name));
        expect(back.routes.map(({ dst, gw }) => [dst, gw])).toEqual(result.routes.map(({ dst, gw }) => [dst, gw]));
      }),
    );
  });

  it('takes null, a missing version, nulls and empty texts as absent', () => {
    expect(readResult(null, '1.0.0')).toEqual(emptyResult);
    expect(readResult({}, '0.3.0')).toEqual(emptyResult);
    expect(
      readResult({ interfaces: null, ips: [{ address: '10.0.0.1/8', gateway: '' }], routes: null, dns: null }, '1.0.0'),
    ).toEqual({
      ...emptyResult,
      ips: [{ address: '10.0.0.1/8' }],
    });
  });

  it('refuses with all paths', () => {
    const bad = {
      cniVersion: '1.0.0',
      interfaces: [{ name: 3 }, null],
      ips: [{ address: '10.0.0.1' }, { address: '10.0.0.1/8', interface: 2 }],
      routes: [{ dst: 'default', gw: '10.0.0.0/8' }],
      dns: [],
    };
    const paths = [
      'interfaces\\[0\\].name',
      'interfaces\\[1\\]',
      'ips\\[0\\].address',
      'ips\\[1\\].interface',
      'routes\\[0\\].dst',
      'routes\\[0\\].gw',
      'dns',
    ];
    for (const path of paths) expect(() => readResult(bad, '1.0.0')).toThrow(new RegExp(`${path}: `));
    expect(() => readResult({ cniVersion: '0.2.0', ip4: {} }, '1.0.0')).toThrow(/cniVersion: "0.2.0"/);
    expect(() => readResult('text', '1.0.0')).toThrow(/must be an object/);
  });
});

describe('chaining', () => {
  it('puts what was there first and shifts the own indices', () => {
    const previous = readResult(
      {
        interfaces: [{ name: 'a' }, { name: 'b' }],
        ips: [{ address: '10.0.0.1/8', interface: 1 }],
        dns: { domain: 'x' },
      },
      '1.0.0',
    );
    const merged = withPrevious(previous, { ...full, ips: [...full.ips, { address: '10.9.9.9/8' }] });
    expect(merged.interfaces.map(({ name }) => name)).toEqual(['a', 'b', 'net1', 'net1-1']);
    expect(merged.ips.map(({ interface: index }) => index)).toEqual([1, 2, 3, undefined]);
    expect(merged.dns).toEqual({ domain: 'x' });
    expect(withPrevious(previous, { ...emptyResult, dns: { domain: 'y' } }).dns).toEqual({ domain: 'y' });
  });

  it('keeps each address on its interface', () => {
    const at = ({ interfaces, ips }: CniResult) =>
      ips.map((ip) => [ip.address, ip.interface === undefined ? '' : interfaces[ip.interface]?.name]);
    fc.assert(
      fc.property(results, results, (a, b) => {
        expect(at(withPrevious(a, b))).toEqual([...at(a), ...at(b)]);
      }),
    );
  });
});
