import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { launchDirectly } from '../../../src/spawner/direct.ts';
import { createSpawner } from '../../../src/spawner/spawner.ts';
import type { Launch, Program } from '../../../src/spawner/types.ts';
import { createNamespaces } from '../../support/netns.ts';

const file = join(import.meta.dirname, '../../../build/spawner/spawner');
const folder = mkdtempSync(join(tmpdir(), 'spawner-'));
const spaces = createNamespaces();
const spawner = createSpawner({ file });
afterAll(() => {
  spawner.close();
  spaces.end();
  rmSync(folder, { recursive: true, force: true });
});

const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

function runs(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

interface Seen {
  readonly events: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
  readonly status?: number | NodeJS.Signals;
  readonly error?: Error;
}

/** Runs to the last event; `act` may kill or drop when it has started, or look at the events from then on. */
function runToEnd(
  launch: Launch,
  program: Partial<Program> & { readonly argv: readonly string[] },
  act: (running: ReturnType<Launch>, pid: number, events: readonly string[]) => void = () => undefined,
): Promise<Seen> {
  return new Promise((resolve) => {
    const events: string[] = [];
    let stdout = '';
    let stderr = '';
    const end = (rest: Pick<Seen, 'status' | 'error'>) => resolve({ events, stdout, stderr, ...rest });
    const running = launch(
      { env, input: '', ...program },
      {
        started(pid) {
          events.push('started');
          act(running, pid, events);
        },
        stdout: (data) => (stdout += data.toString()),
        stderr: (data) => (stderr += data.toString()),
        exited: () => events.push('exited'),
        closed: (status) => end({ status }),
        failed: (error) => end({ error }),
      },
    );
  });
}

describe.each([
  ['Node itself', launchDirectly],
  ['the spawner', spawner.launch],
] as const)('started by %s', (_name, launch) => {
  test('a program gets arguments, its whole environment and its input, and tells its outputs and status', async () => {
    const script = 'cat; printf "%s|%s" "$1" "$A" >&2; env | grep -c "^HOME="; exit 7';
    const argv = ['sh', '-c', script, 'sh', 'x y\n"z'];
    const seen = await runToEnd(launch, { argv, env: { ...env, A: 'ä=b' }, input: 'input\n' });
    expect(seen).toEqual({
      events: ['started', 'exited'],
      stdout: 'input\n0\n',
      stderr: 'x y\n"z|ä=b',
      status: 7,
    });
  });

  test('much input and much output at once', async () => {
    const input = 'x'.repeat(3_000_000);
    const { stdout, status } = await runToEnd(launch, { argv: ['cat'], input });
    expect([stdout.length, stdout === input, status]).toEqual([3_000_000, true, 0]);
  });

  test('many side by side: each its own', async () => {
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const seen = await Promise.all(
      numbers.map((n) => runToEnd(launch, { argv: ['sh', '-c', `echo ${n}; exit ${n}`] })),
    );
    expect(seen.map(({ stdout, status }) => [stdout, status])).toEqual(numbers.map((n) => [`${n}\n`, n]));
  });

  test('one that does not read its input, and one that is ended by a signal', async () => {
    expect(await runToEnd(launch, { argv: ['true'], input: 'x'.repeat(1_000_000) })).toMatchObject({ status: 0 });
    expect(await runToEnd(launch, { argv: ['sh', '-c', 'kill -SEGV $$'] })).toMatchObject({ status: 'SIGSEGV' });
  });

  test('what cannot be started says why', async () => {
    const missing = await runToEnd(launch, { argv: ['there-is-none'] });
    expect(missing.error).toMatchObject({ code: 'ENOENT', message: expect.stringContaining('there-is-none') });
    const folderItself = await runToEnd(launch, { argv: [folder] });
    expect(folderItself.error).toMatchObject({ code: 'EACCES' });
  });

  test('kill() ends a whole group; drop() makes what holds the outputs matter no more', async () => {
    const child = join(folder, `child-${_name.length}`);
    const argv = ['sh', '-c', `sleep 1000 & echo $! > ${child}; wait`];
    const killed = await runToEnd(launch, { argv, ownGroup: true }, (running) => {
      const timer = setInterval(() => {
        if (!existsSync(child) || readFileSync(child, 'utf8') === '') return;
        clearInterval(timer);
        running.kill();
      }, 5);
    });
    expect(killed.status).toBe('SIGKILL');
    await expect.poll(() => runs(Number(readFileSync(child, 'utf8')))).toBe(false);

    const holder = join(folder, `holder-${_name.length}`);
    const dropped = await runToEnd(
      launch,
      { argv: ['sh', '-c', `setsid sleep 1000 & echo $! > ${holder}`] },
      (running, _pid, events) => {
        const timer = setInterval(() => {
          if (!events.includes('exited')) return;
          clearInterval(timer);
          running.drop();
        }, 5);
      },
    );
    expect(dropped).toMatchObject({ events: ['started', 'exited'], status: 0 });
    process.kill(Number(readFileSync(holder, 'utf8')), 'SIGKILL');
  });

  test('a network namespace, and sysctls in it alone; a file that is not there is passed over', async () => {
    const netns = spaces.add();
    const setting = '/proc/sys/net/ipv4/conf/default/arp_notify';
    const before = readFileSync(setting, 'utf8');
    const files = [['/proc/sys/net/ipv4/there-is-none', '1'] as const, [setting, '1'] as const];
    const inside = await runToEnd(launch, { argv: ['cat', setting], netns, files });
    expect(inside.stdout.trim()).toBe('1');
    expect(readFileSync(setting, 'utf8')).toBe(before);
    // Without a program: the files alone.
    const alone = await runToEnd(launch, { argv: [], netns, files: [[setting, '0']] });
    expect(alone).toMatchObject({ stdout: '', stderr: '', status: 0 });
    expect((await runToEnd(launch, { argv: ['cat', setting], netns })).stdout.trim()).toBe('0');
    const outside = await runToEnd(launch, { argv: ['readlink', '/proc/self/ns/net'] });
    expect(outside.stdout).toBe(spawnSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).stdout);
  });
});

test('a sysctl that has its value already is not written: some wait for the lock of all links', async () => {
  const [held, other] = [join(folder, 'held'), join(folder, 'other')];
  for (const [path, value] of [[held, '1\n'] as const, [other, '10\n'] as const]) {
    writeFileSync(path, value);
    utimesSync(path, 1, 1);
  }
  await runToEnd(spawner.launch, { argv: [], files: [held, other].map((path) => [path, '1'] as const) });
  expect(statSync(held).mtimeMs).toBe(1000);
  expect(statSync(other).mtimeMs).toBeGreaterThan(1000);
});

test('the spawner dies: what runs is ended and reported, the next program has a new one', async () => {
  const own = createSpawner({ file });
  try {
    let sleeper = 0;
    const parentOf = (pid: number) => Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[3]);
    const { error } = await runToEnd(own.launch, { argv: ['sleep', '1000'] }, (_running, pid) => {
      sleeper = pid;
      process.kill(parentOf(pid), 'SIGKILL');
    });
    expect(error?.message).toMatch(/the process that starts programs has ended \(SIGKILL\): sleep/);
    await expect.poll(() => runs(sleeper)).toBe(false);
    expect(await runToEnd(own.launch, { argv: ['echo', 'again'] })).toMatchObject({ stdout: 'again\n', status: 0 });
  } finally {
    own.close();
  }
});

test('a namespace that is not there: the program does not run, and the error names it', async () => {
  const { error } = await runToEnd(spawner.launch, { argv: ['true'], netns: '/run/netns/there-is-none' });
  expect(error).toMatchObject({ code: 'ENOENT', message: expect.stringContaining('enter /run/netns/there-is-none') });
});
