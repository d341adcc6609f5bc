import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createBareLab, defaultRoot } from '../../../src/lab/run/bare-lab.ts';
import { cleanDead, rootLinkName } from '../../../src/lab/run/clean.ts';
import { identify, isAlive, processesOfLab, signalAll } from '../../../src/lab/run/processes.ts';
import { createRunner } from '../../../src/lab/run/runner.ts';
import { type LabState, readStates } from '../../../src/lab/run/state.ts';

const root = join(import.meta.dirname, '../../..');

/** A demo in a process of its own, and what it has said so far. */
interface Running {
  readonly pid: number;
  text(): string;
  /** Resolves with the exit status, 128 + number for a signal. */
  readonly ended: Promise<number>;
}

describe('a lab that ends before its time', () => {
  const running: Running[] = [];

  afterEach(async () => {
    for (const { pid } of running.splice(0)) signalAll([identify(pid) ?? { pid: 0, startTime: '' }], 'SIGKILL');
    await cleanDead(defaultRoot, { kept: false });
  });

  test.each(['starting the API server', '3. Pods', 'Every pod pings'])(
    'killed at "%s": the next run takes away all of it',
    async (moment) => {
      const demo = startDemo();
      await until(() => demo.text().includes(moment));
      const state = stateOf(demo.pid);
      process.kill(demo.pid, 'SIGKILL');
      await demo.ended;
      expect(processesOfLab(state.id).length).toBeGreaterThan(0);
      expect(hasLink(state.id)).toBe(true);

      const next = await createBareLab({ hosts: 1, nics: 1, families: [4] });
      try {
        expectGone(state);
      } finally {
        await next.close();
      }
    },
  );

  test('left up on purpose: stays through the next run, goes with `lab clean`', async () => {
    const demo = startDemo('--keep');
    expect(await demo.ended).toBe(0);
    const id = /multinic-lab\/([a-z0-9]{4})\/api\/kubeconfig-admin/.exec(demo.text())?.[1] ?? '';
    await cleanDead(defaultRoot, { kept: false });
    const state = readStates(defaultRoot).find((lab) => lab.state.id === id)?.state;
    if (state === undefined) throw new Error(`lab ${id} is gone`);
    expect(state.processes.every(isAlive)).toBe(true);
    const get = ['--kubeconfig', join(defaultRoot, id, 'api/kubeconfig-admin'), 'get', 'pods', '-o', 'name'];
    expect(await createRunner(id).must(['kubectl', ...get])).toBe('pod/pod-1-1\npod/pod-2-1\n');
    const inPod = multinic('lab', 'exec', 'pod-2-1', '--', 'ip', '-brief', 'link');
    expect(inPod).toMatch(/^net1@/m);

    expect(multinic('lab', 'clean')).toContain(`lab ${id} is taken down`);
    expectGone(state);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s takes it down at once, and says so', async (signal) => {
    const demo = startDemo();
    await until(() => demo.text().includes('3. Pods'));
    const state = stateOf(demo.pid);
    process.kill(demo.pid, signal);
    expect(await demo.ended).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(demo.text().trimEnd().split('\n').at(-1)).toBe(`${signal}: taking the lab down`);
    expectGone(state);
  });

  test('a running lab is left alone by every clean-up', async () => {
    const lab = await createBareLab({ hosts: 1, nics: 1, families: [4] });
    try {
      multinic('lab', 'clean');
      expect(lab.file.state.processes.every(isAlive)).toBe(true);
      expect(hasLink(lab.id)).toBe(true);
    } finally {
      await lab.close();
    }
  });

  test("the machine's neighbour limits come back, and not before the last lab that needs them is gone", async () => {
    const limit = () => Number(readFileSync('/proc/sys/net/ipv4/neigh/default/gc_thresh3', 'utf8'));
    const before = limit();
    const pods = Math.ceil(Math.sqrt(before));
    const first = await createBareLab({ hosts: 1, nics: 1, families: [4], pods });
    const raised = limit();
    const second = await createBareLab({ hosts: 1, nics: 1, families: [4], pods: pods * 2 });
    const more = limit();
    try {
      expect(raised).toBeGreaterThan(before);
      expect(more).toBeGreaterThan(raised);
      await first.close();
      expect(limit()).toBe(more);
    } finally {
      await first.close();
      await second.close();
    }
    expect(limit()).toBe(before);
  });

  function startDemo(...options: string[]): Running {
    const argv = [
      'src/cli/main.ts',
      'lab',
      'demo',
      '--hosts',
      '2',
      '--nics',
      '1',
      '--pods',
      '1',
      '--plugin',
      'macvlan',
    ];
    const child = spawn(process.execPath, [...argv, ...options], { cwd: root });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.stderr.on('data', (data: Buffer) => (text += data.toString()));
    const ended = new Promise<number>((resolve) => {
      child.once('close', (code) => resolve(code ?? 137));
    });
    const demo = { pid: child.pid ?? 0, text: () => text, ended };
    running.push(demo);
    return demo;
  }
});

function expectGone(state: LabState): void {
  expect(processesOfLab(state.id)).toEqual([]);
  expect(state.processes.filter(isAlive)).toEqual([]);
  expect(hasLink(state.id)).toBe(false);
  expect(existsSync(join(defaultRoot, state.id))).toBe(false);
}

function hasLink(id: string): boolean {
  return existsSync(`/sys/class/net/${rootLinkName(id)}`);
}

function stateOf(owner: number): LabState {
  const found = readStates(defaultRoot).find(({ state }) => state.owner.pid === owner);
  if (found === undefined) throw new Error(`process ${owner} has no lab`);
  return found.state;
}

function multinic(...args: string[]): string {
  return execFileSync(process.execPath, ['src/cli/main.ts', ...args], { cwd: root, encoding: 'utf8' });
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 240_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error('waited for four minutes');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
