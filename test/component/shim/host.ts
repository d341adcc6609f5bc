import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';

const root = resolve(import.meta.dirname, '../../..');

/** Compiles the shim: the one that is installed, or with options (`-DADD_WAIT_MS=300`) one for this test alone. */
export function buildShim(...options: readonly string[]): string {
  const output = options.length === 0 ? join(root, 'build/shim/multi-nic') : join(scratch(), 'multi-nic');
  execFileSync(join(root, 'tools/build-shim.sh'), [output, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  return output;
}

const folders: string[] = [];

/** A folder that removeScratch removes. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'multinic-shim-'));
  folders.push(folder);
  return folder;
}

export function removeScratch(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What reached the daemon's socket. */
export interface Seen {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

type Answer = (seen: Seen, response: ServerResponse, count: number) => void;

/** A mount namespace with /run and /var/lib of its own, so that the shim's stock paths are private. */
export class ShimHost {
  readonly #holder: ChildProcess;
  readonly #servers: Server[] = [];

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async start(): Promise<ShimHost> {
    const script =
      'mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mkdir -m 0700 /run/multinic && echo up && exec cat';
    // cat ends with its stdin, that is with this process, however it ends.
    const holder = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (holder.stdout === null) throw new Error('no stdout');
    await once(holder.stdout, 'data');
    return new ShimHost(holder);
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) close(server);
    const exit = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await exit;
  }

  /** Where the namespace's path is for this process. */
  path(inside: string): string {
    return `/proc/${this.#holder.pid}/root${inside}`;
  }

  /** Runs a program in the namespace, with no environment but the given. */
  async run(
    argv: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    stdin: string | Buffer = '',
  ): Promise<Ended> {
    const child = spawn('/usr/bin/nsenter', [`--mount=/proc/${this.#holder.pid}/ns/mnt`, '--', ...argv], {
      env: environment,
    });
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
    const [[status], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    return { status: typeof status === 'number' ? status : null, stdout, stderr };
  }

  /** A daemon on the stock socket that answers as told; by default 200 and an empty body. */
  async daemon(answer: Answer = (_seen, response) => response.end()): Promise<{ seen: Seen[]; close: () => void }> {
    const seen: Seen[] = [];
    const server = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('error', () => {});
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const arrived = { headers: request.headers, body: Buffer.concat(chunks) };
        seen.push(arrived);
        answer(arrived, response, seen.length);
      });
    });
    server.listen(this.path('/run/multinic/cni.sock'));
    await once(server, 'listening');
    this.#servers.push(server);
    return { seen, close: () => close(server) };
  }

  /** Names and contents of the spool; empty when there is none. */
  async spool(): Promise<readonly { name: string; bytes: Buffer }[]> {
    const folder = this.path('/var/lib/multinic/spool');
    const names = await readdir(folder).catch(() => []);
    return Promise.all(names.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })));
  }
}

/** As a daemon that is killed: connections are cut, nobody listens. */
function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
