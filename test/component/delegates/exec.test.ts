import { chmodSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { createDelegates, type DelegateContext } from '../../../src/delegates/exec.ts';
import { runPlugin } from '../../../src/delegates/process.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';
import { launchDirectly } from '../../../src/spawner/direct.ts';
import { createLaunch } from '../../../src/spawner/spawner.ts';

const folder = mkdtempSync(join(tmpdir(), 'delegates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plugin(script: string): string {
  const directory = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(directory, 'macvlan'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'macvlan'), 0o755);
  return directory;
}

const call: DelegateCall = {
  nic: 'eth7',
  ifname: 'net1',
  plugin: 'macvlan',
  config: { cniVersion: '1.0.0', name: 'n' },
};

function context(directory: string): DelegateContext {
  const key = { network: 'net-a', containerID: 'c1', ifname: 'net1' };
  return { key, netns: '/run/netns/x', args: 'K8S_POD_NAME=p', path: ['/nowhere', directory] };
}

const isGone = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
};

const spawner = createLaunch(join(import.meta.dirname, '../../../build/spawner/spawner'));
afterAll(() => spawner.close());

describe.each([
  ['Node itself', launchDirectly],
  ['the spawner', spawner.launch],
] as const)('run, started by %s', (_name, launch) => {
  const delegates = createDelegates({ launch, owner: 'test-run', timeoutMs: 30_000, outputLimit: 10_000 });

  test('the environment is exactly what the specification and we name', async () => {
    const directory = plugin(
      `env | sort > ${folder}/env; cat > ${folder}/stdin; echo '{"interfaces":[{"name":"net1"}]}'`,
    );
    const result = await delegates.run(call, 'ADD', context(directory));
    expect(result.interfaces).toEqual([{ name: 'net1' }]);
    expect(
      readFileSync(`${folder}/env`, 'utf8')
        .split('\n')
        .filter((line) => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line)),
    ).toEqual([
      'CNI_ARGS=K8S_POD_NAME=p',
      'CNI_COMMAND=ADD',
      'CNI_CONTAINERID=c1',
      'CNI_IFNAME=net1',
      'CNI_NETNS=/run/netns/x',
      `CNI_PATH=/nowhere:${directory}`,
      'MULTINIC_ATTACHMENT=net-a/c1/net1',
      'MULTINIC_OWNER=test-run',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '',
    ]);
    expect(JSON.parse(readFileSync(`${folder}/stdin`, 'utf8'))).toEqual(call.config);
  });

  test('DEL gets the recorded result, in the shape of its version, and its output does not matter', async () => {
    const directory = plugin(`cat > ${folder}/del; echo rubbish`);
    const recorded = { interfaces: [], ips: [{ address: '10.0.0.1/8' }], routes: [], dns: {} };
    await delegates.run(call, 'DEL', context(directory), recorded);
    const prevResult = { cniVersion: '1.0.0', ips: [{ address: '10.0.0.1/8' }] };
    expect(JSON.parse(readFileSync(`${folder}/del`, 'utf8'))).toEqual({ ...call.config, prevResult });
    const old = { ...call, config: { ...call.config, cniVersion: '0.3.1' } };
    await delegates.run(old, 'DEL', context(directory), recorded);
    expect(JSON.parse(readFileSync(`${folder}/del`, 'utf8'))).toEqual(old.config);
  });

  test.each([
    ['rubbish', 'echo rubbish', 103, 'NIC eth7: macvlan ADD printed no JSON'],
    ['nothing', 'true', 103, 'NIC eth7: macvlan ADD ended well but printed nothing'],
    ['no object', 'echo null', 103, 'NIC eth7: macvlan ADD printed no result object'],
    ['a wrong result', `echo '{"ips":[{"address":"300.0.0.1/8"}]}'`, 6, 'NIC eth7: macvlan ADD printed a wrong result'],
    ['an error', `echo '{"code":11,"msg":"later"}'; exit 1`, 11, 'NIC eth7: macvlan ADD failed: later'],
    ['only stderr', 'echo oh >&2; exit 3', 103, 'NIC eth7: macvlan ADD failed with status 3: oh'],
    ['a signal', 'kill -SEGV $$', 103, 'NIC eth7: macvlan ADD was ended by SIGSEGV'],
    ['a flood', 'yes', 103, 'NIC eth7: macvlan ADD wrote more than 10000 bytes and was ended'],
  ])('%s is an error that names NIC and delegate', async (_what, script, code, message) => {
    const failure = delegates.run(call, 'ADD', context(plugin(script)));
    await expect(failure).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test('a hanging delegate is ended with all that it started', async () => {
    const childFile = join(mkdtempSync(join(folder, 'child-')), 'pid');
    const directory = plugin(`sleep 1000 & echo $! > ${childFile}.new; mv ${childFile}.new ${childFile}; wait`);
    // On a busy machine the first may be ended before it has started anything.
    for (let timeoutMs = 300; !existsSync(childFile); timeoutMs *= 2) {
      const pids: number[] = [];
      const hasty = createDelegates({ launch, owner: 'test-run', timeoutMs });
      const failure = hasty.run(call, 'ADD', { ...context(directory), onSpawn: ({ pid }) => pids.push(pid) });
      await expect(failure).rejects.toThrow(`NIC eth7: macvlan ADD did not end within ${timeoutMs} ms and was ended`);
      expect(pids).toHaveLength(1);
      expect(isGone(pids[0] ?? 0)).toBe(true);
    }
    const child = Number(readFileSync(childFile, 'utf8'));
    while (!isGone(child)) await sleep(5);
  });

  test('a caller that goes ends the delegate', async () => {
    const gone = new AbortController();
    const failure = delegates.run(call, 'ADD', {
      ...context(plugin('exec sleep 1000')),
      signal: gone.signal,
      onSpawn: () => gone.abort(),
    });
    await expect(failure).rejects.toThrow('its caller has gone');
    await expect(
      delegates.run(call, 'ADD', { ...context(plugin('exec sleep 1000')), signal: gone.signal }),
    ).rejects.toThrow('has gone');
  });

  test('a missing binary is named with CNI_PATH, one that cannot be run with its path', async () => {
    const missing = delegates.run({ ...call, plugin: 'ipvlan' }, 'ADD', context(folder));
    await expect(missing).rejects.toThrow(`the delegate ipvlan is in no directory of CNI_PATH (/nowhere:${folder})`);
    const directory = plugin('true');
    chmodSync(join(directory, 'macvlan'), 0o644);
    await expect(delegates.run(call, 'ADD', context(directory))).rejects.toThrow(`${directory}/macvlan`);
    expect(() => delegates.find([directory], '../macvlan')).toThrow('no name of a plugin');
    const behind = plugin('true');
    expect(delegates.find(['/nowhere', directory, behind], 'macvlan')).toBe(join(behind, 'macvlan'));
  });

  test('a binary that is being written is tried again', async () => {
    const binary = join(mkdtempSync(join(folder, 'bin-')), 'macvlan');
    writeFileSync(binary, readFileSync('/bin/true'), { mode: 0o755 });
    const writer = openSync(binary, 'r+');
    setTimeout(() => closeSync(writer), 300);
    const run = await runPlugin(launch, [binary], { env: {}, input: '', timeoutMs: 30_000, outputLimit: 100 });
    expect(run.end).toEqual({ kind: 'status', status: 0 });
  });
});

describe('versions', () => {
  const { launch } = spawner;
  const delegates = createDelegates({ launch, owner: 'test-versions' });
  const answer = (version: string): string =>
    `echo asked >> ${folder}/asked; echo '{"cniVersion":"1.0.0","supportedVersions":["${version}"]}'`;

  test('asked for once, and again when the file is another', async () => {
    const directory = plugin(answer('1.0.0'));
    const binary = join(directory, 'macvlan');
    expect(await Promise.all([delegates.versions(binary), delegates.versions(binary)])).toEqual([['1.0.0'], ['1.0.0']]);
    expect(readFileSync(`${folder}/asked`, 'utf8')).toBe('asked\n');
    writeFileSync(binary, `#!/bin/sh\n# newer\n${answer('1.1.0')}\n`);
    expect(await delegates.versions(binary)).toEqual(['1.1.0']);
  });

  test('what failed is asked for again', async () => {
    const directory = plugin(`[ -e ${folder}/fine ] || { echo '{}'; exit; }; ${answer('1.0.0')}`);
    const binary = join(directory, 'macvlan');
    await expect(delegates.versions(binary)).rejects.toThrow('did not answer with supportedVersions');
    writeFileSync(`${folder}/fine`, '');
    expect(await delegates.versions(binary)).toEqual(['1.0.0']);
  });

  test('the real plugins', async () => {
    expect(await delegates.versions(delegates.find(['/usr/lib/cni'], 'macvlan'))).toContain('1.0.0');
  });
});

test('orphans of this owner are ended, with their children; those of others and the running ones go on', async () => {
  const { launch } = spawner;
  const before = createDelegates({ launch, owner: 'orphan-test-a' });
  const other = createDelegates({ launch, owner: 'orphan-test-b' });
  const directory = plugin(`sleep 1000 & echo $! > ${folder}/orphan-child; wait`);
  const spawned: Record<string, { pid: number; startTime?: string }> = {};
  const start = (who: string, delegates: typeof before, at: string): Promise<unknown> =>
    delegates
      .run(call, 'ADD', { ...context(at), onSpawn: (process) => (spawned[who] = process) })
      .catch((error: unknown) => error);
  const orphan = start('orphan', before, directory);
  const others = start('other', other, plugin('exec sleep 1000'));
  const restarted = createDelegates({ launch, owner: 'orphan-test-a' });
  const fresh = start('fresh', restarted, plugin('exec sleep 1000'));
  const childFile = `${folder}/orphan-child`;
  while (!existsSync(childFile) || readFileSync(childFile, 'utf8') === '' || Object.keys(spawned).length < 3)
    await sleep(5);
  const child = Number(readFileSync(`${folder}/orphan-child`, 'utf8'));
  expect(spawned['orphan']?.startTime).toMatch(/^\d+$/);

  const ended = await restarted.endOrphans();
  expect(new Set(ended.map(({ pid }) => pid))).toEqual(new Set([spawned['orphan']?.pid, child]));
  expect(ended[0]?.attachment).toBe('net-a/c1/net1');
  expect(isGone(child)).toBe(true);
  expect(isGone(spawned['other']?.pid ?? 0)).toBe(false);
  expect(isGone(spawned['fresh']?.pid ?? 0)).toBe(false);
  expect(await restarted.endOrphans()).toEqual([]);
  await orphan;

  for (const who of ['other', 'fresh']) process.kill(spawned[who]?.pid ?? 0, 'SIGKILL');
  await Promise.all([others, fresh]);
});
