import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alternativeName, interfaceNames } from '../../../src/cni/interface-names.ts';

describe('interface names', () => {
  it('are CNI_IFNAME and numbered ones', () => {
    expect(interfaceNames('net1', 4)).toEqual(['net1', 'net1-1', 'net1-2', 'net1-3']);
    expect(interfaceNames('net1', 0)).toEqual([]);
    expect(alternativeName('net1')).toBe('net1-0');
  });

  it('keep a head and a hash when too long', () => {
    expect(interfaceNames('abcdefghijklm', 12).slice(0, 2)).toEqual(['abcdefghijklm', 'abcdefghijklm-1']);
    const [first, second, ...rest] = interfaceNames('averylongname15', 12);
    expect(first).toBe('averylongname15');
    expect(second).toMatch(/^averylo[0-9a-z]{6}-1$/);
    expect(rest.at(-1)).toMatch(/^averyl[0-9a-z]{6}-11$/);
    expect(interfaceNames('averylongname16', 2)[1]).not.toBe(second);
  });

  it('are distinct, fit the kernel, are stable, and none is one that Multus gives', () => {
    const ifname = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => Buffer.byteLength(text) <= 15 && !/[/:\s]/u.test(text));
    fc.assert(
      fc.property(ifname, fc.integer({ min: 1, max: 128 }), (ifname, count) => {
        const names = interfaceNames(ifname, count);
        expect(names).toEqual(interfaceNames(ifname, count));
        expect(names[0]).toBe(ifname);
        expect(new Set(names).size).toBe(count);
        for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(15);
        for (const name of names.slice(1)) expect(name).not.toMatch(/^net\d+$/);
      }),
    );
  });
});
