import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CniError } from '../../../src/api/cni-error.ts';
import { parseCall } from '../../../src/cni/call.ts';
import { statedVersion } from '../../../src/cni/config.ts';
import { printError } from '../../../src/cni/error.ts';
import { readResult } from '../../../src/cni/result.ts';
import { decodeCall, decodeRequest } from '../../../src/cni/wire.ts';
import { configs, mostly, result, text, variables } from '../../support/cni-arbitraries.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { bootId, rawCall, stamp } from './raw-call.ts';

/** Runs it; anything but a value or a CniError with a printable object fails the test. */
function contained<T>(run: () => T, stdin = ''): T | CniError {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const printed: unknown = JSON.parse(printError(error, statedVersion(stdin)));
    expect(printed).toMatchObject({
      code: expect.any(Number),
      msg: expect.any(String),
      cniVersion: expect.any(String),
    });
    return error;
  }
}

describe('whatever comes in', () => {
  it('a call or a CniError comes out', () => {
    let calls = 0;
    fc.assert(
      fc.property(variables, mostly(configs, fc.oneof(fc.json(), text)), (environment, stdin) => {
        const out = contained(() => parseCall({ environment, stdin, stamp }), stdin);
        if (!(out instanceof CniError)) calls++;
      }),
      { numRuns: fuzzRuns.gate },
    );
    // The generator must reach both sides of the gate.
    expect(calls).toBeGreaterThan(200);
  });

  it('a DEL of a known container with a readable name and version is never refused', () => {
    fc.assert(
      fc.property(configs, text, (stdin, args) => {
        const sound = { ...JSON.parse(stdin), name: 'n', cniVersion: '0.4.0' };
        const out = contained(() => parseCall(rawCall({ CNI_COMMAND: 'DEL', CNI_ARGS: args }, sound)));
        expect(out).toMatchObject({ verb: 'DEL' });
      }),
      { numRuns: fuzzRuns.del },
    );
  });

  it('a request or a CniError comes out of bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    fc.assert(fc.property(bytes, (bytes) => void contained(() => decodeRequest(bytes))));
    const start = `POST /cni HTTP/1.1\r\nmultinic-stamp: ${bootId}/5\r\n`;
    fc.assert(
      fc.property(text, bytes, (lines, body) => {
        const head = Buffer.from(`${start}${lines}\r\ncontent-length: ${body.length}\r\n\r\n`);
        contained(() => decodeRequest(Buffer.concat([head, body])));
      }),
    );
    fc.assert(
      fc.property(text, bytes, (value, body) => {
        contained(() => decodeCall({ 'multinic-stamp': `${bootId}/5`, 'cni-args': value }, body));
      }),
    );
  });

  it("a result or a CniError comes out of a delegate's answer", () => {
    let results = 0;
    fc.assert(
      fc.property(fc.oneof(result, fc.jsonValue()), (json) => {
        if (!(contained(() => readResult(json, '1.0.0')) instanceof CniError)) results++;
      }),
      { numRuns: fuzzRuns.result },
    );
    expect(results).toBeGreaterThan(20);
  });

  it('an error object says what was wrong, not where in the source', () => {
    expect(JSON.parse(printError(new TypeError('oops')))).toEqual({
      cniVersion: '1.1.0',
      code: 999,
      msg: 'internal error: oops',
    });
    expect(JSON.parse(printError('oops', '0.3.1'))).toEqual({
      cniVersion: '0.3.1',
      code: 999,
      msg: 'internal error: oops',
    });
    expect(JSON.parse(printError(new CniError(11, 'later', 'why'), '9.9.9'))).toEqual({
      cniVersion: '9.9.9',
      code: 11,
      msg: 'later',
      details: 'why',
    });
  });

  it("the version of an error object is the config's where it is to be found", () => {
    expect(statedVersion('{"cniVersion":"9.9.9"}')).toBe('9.9.9');
    for (const stdin of ['', '[]', '{"cniVersion":1}', '{"prevResult":{"cniVersion":"1.0.0"}}', '{']) {
      expect(statedVersion(stdin)).toBeUndefined();
    }
  });
});
