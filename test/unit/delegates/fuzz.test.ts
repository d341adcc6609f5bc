import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { CniError } from '../../../src/api/cni-error.ts';
import { printError } from '../../../src/cni/error.ts';
import { printResult } from '../../../src/cni/result.ts';
import { createDelegates } from '../../../src/delegates/exec.ts';
import { addAll } from '../../../src/delegates/parallel.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import type { Launch } from '../../../src/spawner/types.ts';
import { expectCniAnswer } from '../../support/cni-answer.ts';
import { mostly, result } from '../../support/cni-arbitraries.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

/** Names of plugins need files; nothing is started. */
const folder = mkdtempSync(join(tmpdir(), 'multinic-chain-fuzz-'));
for (const name of ['main', 'chained']) {
  writeFileSync(join(folder, name), '');
  chmodSync(join(folder, name), 0o755);
}
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a plugin does: what it prints, and how it ends. */
interface Deed {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: number | NodeJS.Signals | 'cannot be started';
}

const whole = { cniVersion: '1.0.0', interfaces: [{ name: 'net1', sandbox: '/run/netns/x' }], ips: [], dns: {} };
const deed: fc.Arbitrary<Deed> = fc.record({
  stdout: mostly(
    mostly(fc.constant(whole), result).map((json) => JSON.stringify(json)),
    fc.oneof(
      fc.json(),
      fc.string(),
      fc.constant('{"code":-1,"msg":7}'),
      fc.constant('{"code":"x","msg":"m","details":[]}'),
    ),
  ),
  stderr: fc.string({ maxLength: 20 }),
  end: mostly(fc.constant(0), fc.constantFrom<Deed['end']>(1, 7, 255, 'SIGKILL', 'SIGSEGV', 'cannot be started')),
});

function calls(chain: number): DelegateCall[] {
  return ['eth1', 'eth2'].map((nic, index) => ({
    nic,
    ifname: `net1${index === 0 ? '' : `-${index}`}`,
    plugin: 'main',
    config: { cniVersion: '1.0.0', name: 'n', type: 'main', ipam: { type: 'static', addresses: [] } },
    chain: Array.from({ length: chain }, () => ({
      plugin: 'chained',
      config: { cniVersion: '1.0.0', name: 'n', type: 'chained' },
    })),
  }));
}

test('any answer of any plugin of a chain, in ADD and in the DEL after it: results that can be printed, or one CNI error and a DEL of all', async () => {
  const seen = { made: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(deed, { minLength: 1, maxLength: 16 }),
      async (chain, deeds) => {
        const deleted = new Set<string>();
        let turn = 0;
        const launch: Launch = ({ env, argv }, events) => {
          if (env['CNI_COMMAND'] === 'DEL' && argv[0]?.endsWith('/main')) deleted.add(env['CNI_IFNAME'] ?? '');
          const { stdout, stderr, end } = deeds[turn++ % deeds.length] ?? { stdout: '', stderr: '', end: 0 };
          queueMicrotask(() => {
            if (end === 'cannot be started') return events.failed(new Error('no memory'));
            events.stdout(Buffer.from(stdout));
            events.stderr(Buffer.from(stderr));
            events.closed(end);
          });
          return { kill: () => undefined, drop: () => undefined };
        };
        const delegates = createDelegates({ owner: 'fuzz', launch });
        const key = { network: 'n', containerID: 'c', ifname: 'net1' };
        const context = { key, netns: '/run/netns/x', args: '', path: [folder] };
        try {
          const results = await addAll(delegates, async () => [], calls(chain), context);
          expect(results).toHaveLength(2);
          for (const one of results) expectCniAnswer({ ok: true, body: printResult(one, '1.0.0') });
          seen.made += 1;
        } catch (error) {
          if (!(error instanceof CniError)) throw error;
          expect(error.message).toMatch(/^NIC eth[12]: (main|chained) ADD/);
          expect(error.code).toBeGreaterThan(0);
          expectCniAnswer({ ok: false, body: printError(error, '1.0.0') });
          expect([...deleted].sort()).toEqual(['net1', 'net1-1']);
          seen.failed += 1;
        }
      },
    ),
    { numRuns: fuzzRuns.chain },
  );
  // Both sides are reached.
  expect(seen.made).toBeGreaterThan(100);
  expect(seen.failed).toBeGreaterThan(100);
});
