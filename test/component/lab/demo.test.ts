import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../src/lab/demo/report.ts';
import { parseOwn } from '../../../src/lab/run/json.ts';
import { ipvlanKernel } from '../../support/ipvlan-kernel.ts';

const root = join(import.meta.dirname, '../../..');
const small = ['--hosts', '2', '--nics', '2', '--pods', '1'];

describe('lab demo --json', () => {
  test('macvlan: every key of the report, every ping, no call, nothing left', () => {
    const { status, stdout, stderr } = demo([...small, '--plugin', 'macvlan', '--json']);
    expect(status, stderr).toBe(0);
    // Two pods, each pings the other three times on two NICs.
    expectReport(stdout, { plugin: 'macvlan', mode: 'bridge', pings: { sent: 12, received: 12 } });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('\u001B[');
    expect(stderr).toContain('All is well.');
  });

  test('with the oldest kubectl that must work', (ctx) => {
    const kubectl = process.env['MULTINIC_TEST_KUBECTL'];
    if (kubectl === undefined) {
      ctx.skip('MULTINIC_TEST_KUBECTL names no further kubectl (1.20 is the oldest that must work)');
      return;
    }
    const { status, stdout, stderr } = demo([...small, '--plugin', 'macvlan', '--json'], {
      PATH: `${dirname(kubectl)}:${process.env['PATH']}`,
    });
    expect(status, stderr).toBe(0);
    expectReport(stdout, { plugin: 'macvlan', mode: 'bridge', pings: { sent: 12, received: 12 } });
  });

  test('ipvlan l3: the quick start, verbatim, in a kernel that has ipvlan', (ctx) => {
    const kernel = ipvlanKernel();
    if ('missing' in kernel) ctx.skip(kernel.missing);
    const { status, stdout, stderr } = demo([...small, '--plugin', 'ipvlan', '--mode', 'l3', '--json']);
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    expectReport(stdout, { plugin: 'ipvlan', mode: 'l3', pings: { sent: 12, received: 12 } });
    expect(`${stdout}${stderr}`).toContain('kubectl apply -f examples/quickstart/network.yaml');
  });

  test('more NICs than the quick start has bits for: the manifest is derived and printed', () => {
    const { status, stdout, stderr } = demo([
      '--hosts',
      '2',
      '--nics',
      '6',
      '--pods',
      '2',
      '--json',
      '--mode',
      'bridge',
    ]);
    expect(status, stderr).toBe(0);
    // Four pods, three others each, on six NICs, three times.
    const sent = 4 * 3 * 6 * 3;
    expectReport(stdout, { hosts: 2, nics: 6, pods: 2, interfacesPerPod: 6, pings: { sent, received: sent } });
    expect(stderr).toMatch(/"interfaceBlock": 3/);
  });

  test.each([
    [['--plugin', 'macvlan', '--mode', 'l3'], '--plugin macvlan has no --mode l3: use bridge'],
    [['--hosts', '0'], 'write a number from 1 to 200'],
    [['--plugin', 'sriov'], 'Allowed choices are ipvlan, macvlan'],
  ])('%j is refused with what to write', (argv, message) => {
    const { status, stderr } = demo(argv);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });
});

function demo(argv: readonly string[], variables: Readonly<Record<string, string>> = {}): SpawnSyncReturns<string> {
  const env = { ...process.env, ...variables };
  return spawnSync(process.execPath, ['src/cli/main.ts', 'lab', 'demo', ...argv], { cwd: root, encoding: 'utf8', env });
}

function expectReport(stdout: string, expected: Partial<Report>): void {
  const report = parseOwn<Report>(stdout.trimEnd().split('\n').at(-1) ?? '');
  const seconds = expect.any(Number);
  const times = { setup: seconds, cluster: seconds, plan: seconds, attach: seconds, ping: seconds, teardown: seconds };
  expect(report).toEqual({
    hosts: 2,
    nics: 2,
    pods: 1,
    interfacesPerPod: 2,
    apiCallsDuringAttach: 0,
    apiCallsDuringDetach: 0,
    leftovers: 0,
    seconds: { ...times, offline: seconds },
    kernel: expect.stringMatching(/^(Linux|user-mode-linux) \d/),
    publishWrites: expect.any(Number),
    stoppedApi: { adds: 8, dels: 8 },
    problems: [],
    plugin: expect.any(String),
    mode: expect.any(String),
    ...expected,
  });
}
