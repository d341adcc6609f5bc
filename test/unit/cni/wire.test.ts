import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { later } from '../../../src/cni/stamp.ts';
import { decodeCall, decodeRequest, encodeCall, type WireCall } from '../../../src/cni/wire.ts';
import { bootId, otherBootId, rawCall } from './raw-call.ts';

const unicode = fc.string({ unit: 'binary' });
const calls: fc.Arbitrary<WireCall> = fc.record(
  {
    environment: fc.dictionary(fc.stringMatching(/^CNI_[A-Z0-9_]{1,10}$/), unicode),
    stdin: unicode,
    stamp: fc.record({ bootId: fc.constantFrom(bootId, otherBootId), ns: fc.bigInt({ min: 0n, max: 2n ** 59n }) }),
    program: unicode.filter((text) => text !== ''),
    timeoutMs: fc.nat(100_000),
  },
  { requiredKeys: ['environment', 'stdin', 'stamp', 'program'] },
);

describe('the request', () => {
  it('carries a call unchanged, in headers that are plain ASCII', () => {
    fc.assert(
      fc.property(calls, (call) => {
        const { headers, body } = encodeCall(call);
        for (const [name, value] of Object.entries(headers)) {
          expect(name).toMatch(/^(cni|multinic)-[a-z0-9-]+$/);
          expect(value).toMatch(/^[\x21-\x7e]*$/);
        }
        expect(decodeCall(headers, body)).toEqual(call);
      }),
    );
  });

  it('is read from its bytes as from the socket', () => {
    fc.assert(
      fc.property(calls, (call) => {
        const { headers, body } = encodeCall(call);
        const lines = Object.entries({ ...headers, 'Content-Length': body.length }).map(
          ([name, value]) => `${name}: ${value}\r\n`,
        );
        const bytes = Buffer.concat([Buffer.from(`POST /cni HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
        expect(decodeRequest(bytes)).toEqual(call);
      }),
    );
  });

  it('is refused when cut anywhere', () => {
    const { headers, body } = encodeCall({ ...rawCall(), program: 'multi-nic' });
    const lines = Object.entries({ ...headers, 'content-length': body.length }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    );
    const bytes = Buffer.concat([Buffer.from(`POST /cni HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeRequest(bytes.subarray(0, length))).toThrow();
  });

  it('keeps other variables and headers out', () => {
    const { headers } = encodeCall({ ...rawCall({ PATH: '/bin', CNI_lower: 'x' }), program: 'p' });
    expect(Object.keys(headers).filter((name) => name.includes('lower') || name === 'path')).toEqual([]);
    const call = decodeCall({ ...headers, host: 'multinic', 'x-cni-a': 'b' }, '');
    expect(call.environment).toEqual(rawCall().environment);
  });

  it('is refused with a stamp or an encoding that the shim never sends', () => {
    const { headers } = encodeCall({ ...rawCall(), program: 'p' });
    for (const stamp of [undefined, '', 'x/1', `${bootId}/-1`, `${bootId}/01`, bootId, [`${bootId}/1`]]) {
      expect(() => decodeCall({ ...headers, 'multinic-stamp': stamp }, '')).toThrow(/multinic-stamp/);
    }
    for (const value of ['%', '%4', '%zz', 'ä', ['a', 'b']]) {
      expect(() => decodeCall({ ...headers, 'cni-args': value }, '')).toThrow(/cni-args/);
    }
  });

  it('turns bytes that are no UTF-8 into replacement characters', () => {
    const headers = { 'multinic-stamp': `${bootId}/1`, 'cni-args': 'a%FFb' };
    expect(decodeCall(headers, Uint8Array.of(0x7b, 0xff, 0x7d))).toMatchObject({
      environment: { CNI_ARGS: 'a\ufffdb' },
      stdin: '{\ufffd}',
    });
  });
});

describe('stamps', () => {
  const at = (boot: string, ns: bigint) => ({ bootId: boot, ns });

  it('count by time within a boot, and an earlier boot is always lower', () => {
    expect(later(at(bootId, 2n), at(bootId, 1n), bootId)).toBe(true);
    expect(later(at(bootId, 1n), at(bootId, 2n), bootId)).toBe(false);
    expect(later(at(bootId, 1n), at(bootId, 1n), bootId)).toBe(false);
    expect(later(at(bootId, 1n), at(otherBootId, 99n), bootId)).toBe(true);
    expect(later(at(otherBootId, 99n), at(bootId, 1n), bootId)).toBe(false);
  });

  it('of one boot that is over still count by time; of two such boots the asking call is the later', () => {
    const third = '99999999-2222-4333-8444-555555555555';
    expect(later(at(otherBootId, 2n), at(otherBootId, 1n), bootId)).toBe(true);
    expect(later(at(otherBootId, 1n), at(third, 2n), bootId)).toBe(true);
    expect(later(at(third, 2n), at(otherBootId, 1n), bootId)).toBe(true);
  });
});
