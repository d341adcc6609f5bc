import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { runDemo } from '../../src/lab/demo/run.ts';
import { createPrinter } from '../../src/lab/print/printer.ts';
import { realApi } from './control-plane/source.ts';
import { realOrSkip } from './real.ts';

const real = realOrSkip();

test('the demo, unchanged, on a real control plane with the tokens of the deployed service accounts', async () => {
  if (real === undefined) return;
  const said = new PassThrough();
  const words = text(said);
  const report = await runDemo({
    plan: { hosts: 2, nics: 4, pods: 2, plugin: 'macvlan', mode: 'bridge', where: 'here' },
    keep: false,
    api: realApi(real),
    printer: createPrinter(said, {}),
    setupSeconds: 0,
    stopping: () => false,
  }).finally(() => said.end());
  // Four pods ping three others three times on four NICs.
  expect(report, await words).toMatchObject({
    interfacesPerPod: 4,
    pings: { sent: 144, received: 144 },
    apiCallsDuringAttach: 0,
    apiCallsDuringDetach: 0,
    stoppedApi: { adds: 8, dels: 8 },
    leftovers: 0,
    problems: [],
  });
});
