import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type OurPlace, startOurs } from '../../conformance/ours.ts';
import { readRecord } from '../../conformance/record.ts';
import { summarize } from '../../conformance/report.ts';
import { statements } from '../../conformance/statements/all.ts';
import { runSuite } from '../../conformance/suite.ts';
import { type BrokenPlugin, brokenPlugins, scriptOf } from './broken.ts';

let root: string;
let place: OurPlace;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'multinic-conformance-'));
  place = await startOurs('macvlan', root, 1);
});

afterAll(async () => {
  await place.close();
  rmSync(root, { recursive: true, force: true });
});

test('ours holds all 50 statements', async () => {
  const { statements: findings, passed, total } = summarize(await runSuite(place, place.subject));
  expect(findings.filter((finding) => !finding.passed)).toEqual([]);
  expect({ passed, total }).toEqual({ passed: 50, total: 50 });
});

test('the command, on another plugin: what it does not claim is not counted as passed', () => {
  const repository = join(import.meta.dirname, '../../..');
  const config = 'test/conformance/peers/macvlan.json';
  const record = join(mkdtempSync(join(tmpdir(), 'multinic-record-')), 'macvlan.json');
  onTestFinished(() => rmSync(dirname(record), { recursive: true }));
  const subject = [
    '--serial',
    '--plugin',
    '/usr/lib/cni/macvlan',
    '--config',
    config,
    '--release',
    '1.1.1 (Debian 12)',
  ];
  const options = [...subject, '--record', record, '--only', '1,19,30', '--json'];
  const { status, stdout } = spawnSync(process.execPath, ['test/conformance/main.ts', ...options], {
    cwd: repository,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toEqual({
    statements: [
      expect.objectContaining({ id: 1, passed: true }),
      expect.objectContaining({ id: 19, passed: true }),
      expect.objectContaining({ id: 30, passed: false, notApplicable: true, detail: 'it has no daemon' }),
    ],
    passed: 2,
    total: 3,
  });
  const recorded = readRecord(readFileSync(record, 'utf8'));
  expect(recorded).toMatchObject({ name: 'macvlan', version: '1.1.1 (Debian 12)' });
  expect(recorded.findings.map(({ id, passed }) => [id, passed])).toEqual([
    [1, true],
    [19, true],
    [30, false],
  ]);
});

test('there is a broken plugin for each statement', () => {
  const numbers = Array.from({ length: 50 }, (_, index) => index + 1);
  expect(statements.map(({ id }) => id)).toEqual(numbers);
  expect(brokenPlugins.map(({ id }) => id)).toEqual(numbers);
});

describe('a check fails on a plugin that', () => {
  // Those that sweep whole networks or measure time go alone, as in the suite.
  const alone = new Set(statements.filter((statement) => statement.alone === true).map(({ id }) => id));
  describe.concurrent('(side by side)', () => {
    test.for(brokenPlugins.filter(({ id }) => !alone.has(id)))('$what ($id)', fails);
  });
  test.for(brokenPlugins.filter(({ id }) => alone.has(id)))('$what ($id)', fails);
});

async function fails(plugin: BrokenPlugin): Promise<void> {
  const folder = join(place.dir, 'broken', String(plugin.id));
  mkdirSync(folder, { recursive: true });
  const program = join(folder, 'multi-nic');
  const real = place.subject.program;
  writeFileSync(program, scriptOf(plugin, real, folder), { mode: 0o755 });
  const daemon = place.subject.daemon;
  const impatient = join(folder, 'impatient');
  writeFileSync(impatient, scriptOf(plugin, daemon?.impatient ?? real, folder), { mode: 0o755 });
  const subject = { ...place.subject, program, ...(daemon && { daemon: { ...daemon, impatient } }) };
  // One version is enough to see whether a check can fail; 17 needs one that differs.
  const all = statements.find(({ id }) => id === plugin.id)?.versions ?? [];
  const version = plugin.id === 17 ? '0.4.0' : (all.findLast((one) => one === '1.0.0') ?? '1.1.0');
  const [finding] = await runSuite(place, subject, { only: [plugin.id], versions: [version] });
  expect(finding).toMatchObject({ passed: false, detail: expect.stringMatching(plugin.says) });
  expect(finding?.notApplicable).toBeUndefined();
}
