import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CniError } from '../../../src/api/cni-error.ts';
import { readResult } from '../../../src/cni/result.ts';
import { createCniHandler } from '../../../src/daemon/cni-handler.ts';
import { createDaemonMetrics } from '../../../src/observe/daemon-metrics.ts';
import { silentLogger } from '../../../src/observe/logger.ts';
import { expectCniAnswer } from '../../support/cni-answer.ts';
import { configs, mostly, result, text, variables } from '../../support/cni-arbitraries.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';
import { config } from '../cni/raw-call.ts';

const bootId = '11111111-2222-4333-8444-555555555555';
const encoded = (value: string): string =>
  Array.from(Buffer.from(value), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

/** Headers as the shim sends them, and as nobody should. */
const headers = fc.record({
  environment: variables,
  stamp: mostly(fc.constant(`${bootId}/5`), text),
  timeout: mostly(fc.constant('5000'), text),
  raw: fc.dictionary(mostly(fc.constant('cni-args'), text), text, { maxKeys: 2 }),
});
const stdin = mostly(
  fc.oneof(fc.constant(JSON.stringify(config)), configs).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
/** What the engine comes to: results made of any delegate's answer, refusals, and faults. */
const plain = { interfaces: [{ name: 'net1' }], ips: [{ address: '10.0.0.1/24', interface: 0 }] };
const outcome = fc.oneof(fc.constant(plain), result, fc.constantFrom('refused', 'fault'));

test('any environment, any stdin, any outcome: one valid answer, never a throw', async () => {
  const seen = { ok: 0, refused: 0, carried: 0 };
  await fc.assert(
    fc.asyncProperty(headers, stdin, outcome, async ({ environment, stamp, timeout, raw }, bytes, comesTo) => {
      const handler = createCniHandler(
        async () => {
          seen.carried += 1;
          if (comesTo === 'refused') throw new CniError(11, 'later');
          if (typeof comesTo === 'string') throw new TypeError('fault');
          return readResult(comesTo, '1.0.0');
        },
        metrics,
        silentLogger,
      );
      const sent = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name.toLowerCase().replaceAll('_', '-'), encoded(value)]),
      );
      const wire = { ...sent, ...raw, 'multinic-stamp': stamp, 'multinic-timeout-ms': timeout };
      const answer = await handler.request(wire, bytes, new AbortController().signal);
      expectCniAnswer(answer);
      seen[answer.ok ? 'ok' : 'refused'] += 1;
    }),
    { numRuns: fuzzRuns.handler },
  );
  // Both sides are reached.
  expect(seen.ok).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(500);
  expect(seen.carried).toBeGreaterThan(200);
});

test('at least 10,000 cases are tried by all properties together', () => {
  const total = Object.values(fuzzRuns).reduce((sum, runs) => sum + runs, 0);
  process.stdout.write(`fuzz: ${total} cases ${JSON.stringify(fuzzRuns)}\n`);
  expect(total).toBeGreaterThanOrEqual(10_000);
});

const metrics = createDaemonMetrics();
