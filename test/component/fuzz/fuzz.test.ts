import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OurPlace, startOurs } from '../../conformance/ours.ts';
import { createTrial, type Trial } from '../../conformance/trial.ts';
import { expectCniAnswer } from '../../support/cni-answer.ts';
import { configs, mostly, result, text, variables } from '../../support/cni-arbitraries.ts';
import { fuzzRuns } from '../../support/fuzz-runs.ts';

/** The real shim, the real socket and real delegates; most cases are tried without them (test/unit/cni, test/unit/daemon). */
let root: string;
let place: OurPlace;
let trial: Trial;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'multinic-fuzz-'));
  place = await startOurs('macvlan', root, 1);
  const folder = join(place.dir, 'fuzz');
  mkdirSync(folder);
  trial = createTrial({ ...place, version: '1.0.0', folder });
});
afterAll(async () => {
  await trial.end();
  await place.close();
  rmSync(root, { recursive: true, force: true });
});

/** The daemon serves as before, and holds nothing. */
async function expectUnharmed(): Promise<void> {
  const pod = await trial.pod();
  expect((await trial.call('ADD', pod)).status).toBe(0);
  expect(await place.subject.held(pod.id)).toHaveLength(2);
  expect((await trial.call('DEL', pod)).status).toBe(0);
  expect(await place.subject.held(pod.id)).toEqual([]);
  expect(await pod.links()).toEqual([]);
}

/** An environment has no NUL bytes: the kernel would cut there. */
const value = text.map((any) => any.replaceAll('\0', ''));

test('any environment and any stdin through the real shim', async () => {
  const pod = await trial.pod();
  await fc.assert(
    fc.asyncProperty(
      variables,
      mostly(configs, text),
      fc.dictionary(value, value, { maxKeys: 1 }),
      async (env, stdin, more) => {
        const clean = Object.fromEntries(
          Object.entries({ ...env, CNI_EXTRA: Object.values(more)[0] ?? '' }).map(([name, any]) => [
            name,
            any?.replaceAll('\0', ''),
          ]),
        );
        const run = await trial.call('ADD', pod, { env: { CNI_CONTAINERID: pod.id, ...clean }, stdin });
        expect(run.late).toBe(false);
        expect([0, 1]).toContain(run.status);
        // VERSION and the about text are answered by the shim itself.
        if (clean['CNI_COMMAND'] === 'VERSION' || clean['CNI_COMMAND'] === '') return;
        expectCniAnswer({ ok: run.status === 0, body: run.stdout.trim() });
      },
    ),
    { numRuns: fuzzRuns.shim },
  );
  expect(await pod.links()).toEqual([]);
  await expectUnharmed();
});

test('any bytes on the real socket', async () => {
  const socketPath = `/proc/${place.host.pid}/root/run/multinic/cni.sock`;
  const stamp = mostly(fc.constant('11111111-2222-4333-8444-555555555555/5'), fc.string());
  await fc.assert(
    fc.asyncProperty(stamp, fc.string(), fc.uint8Array({ maxLength: 300 }), async (stamp, args, bytes) => {
      const headers = {
        'multinic-stamp': encodeURI(stamp),
        'cni-args': encodeURIComponent(args),
        'cni-command': 'ADD',
      };
      const answer = await post(socketPath, headers, Buffer.from(bytes));
      expectCniAnswer({ ok: answer.status < 300, body: answer.body });
    }),
    { numRuns: fuzzRuns.socket },
  );
  await expectUnharmed();
});

test('any answer of a real delegate: a valid answer of ours, and what is not whole is undone', async () => {
  const folder = join(trial.folder, 'any');
  mkdirSync(folder);
  const file = join(folder, 'answer');
  writeFileSync(
    join(folder, 'macvlan'),
    `#!/bin/sh
case "$CNI_COMMAND" in
VERSION) exec /usr/lib/cni/macvlan ;;
ADD) cat > /dev/null; cat ${file}; exit $(cat ${file}.status) ;;
esac
exec /usr/lib/cni/macvlan
`,
    { mode: 0o755 },
  );
  const pod = await trial.pod();
  const said = fc.oneof(
    result.map((json) => JSON.stringify(json)),
    fc.json(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  await fc.assert(
    fc.asyncProperty(said, fc.constantFrom(0, 0, 1, 77), async (answer, status) => {
      writeFileSync(file, answer);
      writeFileSync(`${file}.status`, String(status));
      const run = await trial.call('ADD', pod, {
        path: [folder, ...place.subject.path],
        config: { args: { cni: { nics: 1 } } },
      });
      // It makes no interface, whatever it says.
      expect(run.status).toBe(1);
      expectCniAnswer({ ok: false, body: run.stdout.trim() });
    }),
    { numRuns: fuzzRuns.delegate },
  );
  expect(await pod.links()).toEqual([]);
  expect(await place.subject.held(pod.id)).toEqual([]);
  await expectUnharmed();
});

function post(
  socketPath: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/cni', method: 'POST', headers, agent: false }, (response) => {
      textOf(response).then((said) => resolve({ status: response.statusCode ?? 0, body: said }), reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
