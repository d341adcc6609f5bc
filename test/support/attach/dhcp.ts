import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pluginDirectory, type World } from './world.ts';

const server = join(import.meta.dirname, '../dhcp-server.ts');

/** A DHCP server on the fabric of a world's NICs, and the daemon of the dhcp plugin on its host. */
export interface Dhcp {
  /** Of that daemon. */
  readonly socket: string;
  /** `10.5.0.100 02:…` of each message of that kind that the server has seen, sorted. */
  seen(kind: 'lease' | 'release'): readonly string[];
  /** SIGKILL for both. */
  end(): void;
}

/** Connects the NICs `eth1`, `eth2` of the world; leases are of 10.5.0.0/24. */
export async function startDhcp(world: World): Promise<Dhcp> {
  const { fabric, host, folder } = world;
  const ip = (...args: string[]): string => world.exec(fabric, 'ip', ...args);
  ip('link', 'add', 'br0', 'type', 'bridge');
  for (const port of ['port1', 'port2']) ip('link', 'set', port, 'master', 'br0');
  ip('address', 'add', '10.5.0.1/24', 'dev', 'br0');
  ip('link', 'set', 'br0', 'up');
  ip('route', 'add', '255.255.255.255', 'dev', 'br0');
  let said = '';
  const serving = spawn('nsenter', [`--net=${fabric}`, process.execPath, server, '10.5.0.1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  serving.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const socket = join(folder, 'dhcp.sock');
  const daemon = spawn('nsenter', [`--net=${host}`, `${pluginDirectory}/dhcp`, 'daemon', '-socketpath', socket], {
    stdio: 'ignore',
  });
  const programs: readonly ChildProcess[] = [serving, daemon];
  await until(() => said.includes('ready') && existsSync(socket));
  return {
    socket,
    seen: (kind) =>
      said
        .split('\n')
        .filter((line) => line.startsWith(`${kind} `))
        .map((line) => line.slice(kind.length + 1))
        .toSorted(),
    end: () => {
      for (const program of programs) program.kill('SIGKILL');
    },
  };
}

/** Waits for what other programs do, 30 s at most. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 600 && !holds(); turn += 1) await sleep(50);
}
