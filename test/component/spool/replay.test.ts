import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CniError } from '../../../src/api/cni-error.ts';
import type { Stamp } from '../../../src/cni/types.ts';
import { encodeCall, type WireCall } from '../../../src/cni/wire.ts';
import { type ReplayOptions, replaySpool, type SpoolReplay } from '../../../src/daemon/spool/replay.ts';
import { silentLogger } from '../../../src/observe/logger.ts';
import { buildShim, removeScratch, ShimHost } from '../shim/host.ts';

const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const earlierBoot = '00000000-0000-4000-8000-000000000000';
const config = '{"cniVersion":"1.0.0","name":"multi-net","type":"multi-nic"}';

let folder: string;
let dir: string;
let ending: AbortController;
let running: SpoolReplay[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'multinic-spool-'));
  dir = join(folder, 'spool');
  ending = new AbortController();
  running = [];
});
afterEach(async () => {
  ending.abort();
  await Promise.all(running.map(({ closed }) => closed));
  await rm(folder, { recursive: true, force: true });
});

function call(containerID: string, stamp: Stamp, stdin = config): WireCall {
  const environment = {
    CNI_COMMAND: 'DEL',
    CNI_CONTAINERID: containerID,
    CNI_IFNAME: 'net1',
    CNI_PATH: '/opt/cni/bin',
  };
  return { environment, stdin, stamp, program: 'multi-nic' };
}

/** Puts an entry in place as the shim does: whole under another name, then renamed. */
async function put(entry: WireCall, pid = 1): Promise<string> {
  const { headers, body } = encodeCall(entry);
  const lines = Object.entries({ ...headers, 'content-length': body.length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const name = `${String(entry.stamp.ns).padStart(20, '0')}-${entry.stamp.bootId}-${pid}`;
  await mkdir(dir, { recursive: true });
  await writeFile(
    join(dir, `.${name}`),
    Buffer.concat([Buffer.from(`POST /cni HTTP/1.1\r\n${lines.join('')}\r\n`), body]),
  );
  await rename(join(dir, `.${name}`), join(dir, name));
  return name;
}

async function start(handle: ReplayOptions['handle'], more: Partial<ReplayOptions> = {}): Promise<SpoolReplay> {
  const replay = await replaySpool({
    dir,
    bootId,
    handle,
    signal: ending.signal,
    log: silentLogger,
    pollMs: 600_000,
    ...more,
  });
  running.push(replay);
  return replay;
}

const idOf = ({ environment }: WireCall): string => environment['CNI_CONTAINERID'] ?? '';

describe('at start', () => {
  it('makes the folder and finds nothing', async () => {
    const replay = await start(() => Promise.reject(new Error('nothing to do')));
    expect(replay.first).toEqual({ replayed: 0, failed: 0, broken: 0 });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('replays oldest stamp first, earlier boots before this one, and deletes', async () => {
    await put(call('c', { bootId, ns: 20n }));
    await put(call('b', { bootId, ns: 3n }));
    await put(call('a', { bootId: earlierBoot, ns: 1000n }));
    const order: WireCall[] = [];
    const replay = await start(async (call) => void order.push(call), { parallel: 1 });
    expect(order.map(idOf)).toEqual(['a', 'b', 'c']);
    expect(order[0]).toEqual(call('a', { bootId: earlierBoot, ns: 1000n }));
    expect(replay.first).toEqual({ replayed: 3, failed: 0, broken: 0 });
    expect(readdirSync(dir)).toEqual([]);
  });

  it('an entry is deleted only after it was handled', async () => {
    const name = await put(call('a', { bootId, ns: 1n }));
    await start(async () => expect(existsSync(join(dir, name))).toBe(true));
    expect(existsSync(join(dir, name))).toBe(false);
  });

  it('one that fails stays and does not hold up the others', async () => {
    const bad = await put(call('bad', { bootId, ns: 1n }));
    await put(call('good', { bootId, ns: 2n }));
    const replay = await start(async (call) => {
      if (idOf(call) === 'bad') throw new CniError(11, 'later');
    });
    expect(replay.first).toEqual({ replayed: 1, failed: 1, broken: 0 });
    expect(readdirSync(dir)).toEqual([bad]);
  });

  it('puts aside what can never be replayed, with its content', async () => {
    const names = [
      await put(call('no json', { bootId, ns: 1n }, '{')),
      await put(call('-bad id', { bootId, ns: 2n })),
      `${'9'.repeat(20)}-${bootId}-1`,
      'notes.txt',
    ];
    await writeFile(join(dir, names[2] ?? ''), 'rubbish');
    await writeFile(join(dir, 'notes.txt'), 'of a person');
    const handled: string[] = [];
    const replay = await start(async (call) => void handled.push(idOf(call)));
    expect(handled).toEqual([]);
    expect(replay.first).toEqual({ replayed: 0, failed: 0, broken: 4 });
    expect(readdirSync(dir)).toEqual(['broken']);
    expect(readdirSync(join(dir, 'broken')).sort()).toEqual([...names].sort());
    expect(readFileSync(join(dir, 'broken/notes.txt'), 'utf8')).toBe('of a person');
  });

  it('leaves files that a shim is writing, and clears those of shims long dead', async () => {
    await mkdir(dir);
    await writeFile(join(dir, '.new'), '');
    await writeFile(join(dir, '.old'), '');
    const longAgo = Date.now() / 1000 - 3600;
    utimesSync(join(dir, '.old'), longAgo, longAgo);
    await start(async () => {});
    expect(readdirSync(dir)).toEqual(['.new']);
  });

  it('works on a few at once, never more', async () => {
    for (let ns = 1n; ns <= 30n; ns++) await put(call(`c${ns}`, { bootId, ns }));
    let now = 0;
    let most = 0;
    await start(
      async () => {
        most = Math.max(most, ++now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        now--;
      },
      { parallel: 4 },
    );
    expect(most).toBe(4);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('refuses a folder that cannot be read', async () => {
    await writeFile(dir, 'a file');
    await expect(start(async () => {})).rejects.toThrow(/EEXIST|ENOTDIR/);
  });
});

describe('afterwards', () => {
  it('replays at once what appears', async () => {
    const handled: string[] = [];
    await start(async (call) => void handled.push(idOf(call)));
    for (let ns = 1n; ns <= 20n; ns++) await put(call(`c${ns}`, { bootId, ns }));
    await expect.poll(() => handled.length).toBe(20);
    await expect.poll(() => readdirSync(dir)).toEqual([]);
    expect(new Set(handled).size).toBe(20);
  });

  it('one that hangs does not hold up what appears later, and is not begun twice', async () => {
    const hang = Promise.withResolvers<void>();
    const handled: string[] = [];
    await start(async (call) => {
      handled.push(idOf(call));
      if (idOf(call) === 'hangs') await hang.promise;
    });
    await put(call('hangs', { bootId, ns: 1n }));
    await expect.poll(() => handled).toEqual(['hangs']);
    await put(call('next', { bootId, ns: 2n }));
    await expect.poll(() => handled).toEqual(['hangs', 'next']);
    hang.resolve();
    await expect.poll(() => readdirSync(dir)).toEqual([]);
    expect(handled).toEqual(['hangs', 'next']);
  });

  it('tries a failed one again by the clock', async () => {
    await put(call('a', { bootId, ns: 1n }));
    let tries = 0;
    const replay = await start(
      async () => {
        if (++tries < 3) throw new Error('not yet');
      },
      { pollMs: 20 },
    );
    await expect.poll(() => readdirSync(dir)).toEqual([]);
    // It is counted once its entry is gone for good.
    await expect.poll(() => replay.counts()).toEqual({ replayed: 1, failed: 2, broken: 0 });
  });

  it('ends when told: what is in work is finished, the rest stays', async () => {
    const first = Promise.withResolvers<void>();
    const begun: string[] = [];
    const replay = await start(
      async (call) => {
        begun.push(idOf(call));
        await first.promise;
      },
      { parallel: 1 },
    );
    await put(call('a', { bootId, ns: 1n }));
    await expect.poll(() => begun).toEqual(['a']);
    const left = await put(call('b', { bootId, ns: 2n }));
    ending.abort();
    first.resolve();
    await replay.closed;
    expect(begun).toEqual(['a']);
    expect(readdirSync(dir)).toEqual([left]);
  });
});

describe('with the real shim', () => {
  it('a DEL made without a daemon reaches the handler as it was meant', async () => {
    const shim = buildShim();
    const host = await ShimHost.start();
    try {
      const environment = {
        CNI_COMMAND: 'DEL',
        CNI_CONTAINERID: 'c1',
        CNI_IFNAME: 'net1',
        CNI_PATH: '/b',
        CNI_ARGS: 'A=ä%',
        CNI_NETNS: '',
      };
      expect(await host.run([shim], environment, config)).toMatchObject({ status: 0 });
      const handled: WireCall[] = [];
      dir = host.path('/var/lib/multinic/spool');
      await start(async (call) => void handled.push(call));
      expect(handled).toMatchObject([{ environment, stdin: config, program: 'multi-nic', stamp: { bootId } }]);
      expect(await host.run([shim], environment, config)).toMatchObject({ status: 0 });
      await expect.poll(() => handled.length).toBe(2);
      await expect.poll(() => host.spool()).toEqual([]);
    } finally {
      ending.abort();
      await Promise.all(running.map(({ closed }) => closed));
      await host.stop();
      removeScratch();
    }
  });
});
