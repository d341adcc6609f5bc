import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createDevicesOf } from '../../src/daemon/devices/pod-devices.ts';
import { readPodResources } from '../../src/daemon/devices/pod-resources.ts';
import { buildModules } from './control-plane/programs.ts';
import { realOrSkip } from './real.ts';

// kubelet's own service, of its Go module, over Go's gRPC.
const real = realOrSkip();
/** A Go program is built first where it is not there, or another run's build is waited for, ms. */
const building = 3_600_000;
const data = join(import.meta.dirname, '../data/pod-resources');
const folder = mkdtempSync(join(tmpdir(), 'multinic-pod-resources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what the service of kubelet says is read, and the kept bytes are what its types write', {
  timeout: building,
}, async () => {
  if (real === undefined) return;
  const program = join(buildModules(['pod-resources']).get('pod-resources') ?? '', 'pod-resources');
  const kept = readFileSync(join(data, 'list.hex'), 'utf8').trim();
  expect(execFileSync(program, ['-', join(data, 'list.json')], { encoding: 'utf8' }).trim()).toBe(kept);

  const socket = join(folder, 'kubelet.sock');
  const server = spawn(program, [socket, join(data, 'list.json')], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    const devicesOf = createDevicesOf(socket);
    for (const { namespace, name, devices } of readPodResources(Buffer.from(kept, 'hex'))) {
      expect(await devicesOf({ namespace, name, uid: '' })).toEqual(devices);
    }
    expect(await devicesOf({ namespace: 'default', name: 'unknown', uid: '' })).toEqual([]);
  } finally {
    server.kill();
  }
});
