import { once } from 'node:events';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { inOwnMounts } from '../../support/own-mounts.ts';

/** Holds what one call of the shim sends, on the socket and into the spool, until a test lets it through. */
export interface Gate {
  /** Words before the shim. */
  readonly wrap: readonly string[];
  /** Resolves when the shim has sent its request. */
  readonly arrived: Promise<void>;
  /** Resolves when the shim has gone, which its exit tells a moment earlier. */
  readonly left: Promise<void>;
  /**
   * What the shim sent reaches the daemon now. When the shim has gone meanwhile, as a daemon that slept finds it: the request,
   * and behind it the end of the connection.
   */
  deliver(): Promise<void>;
  /** What the shim spooled reaches the daemon's spool now. @returns how many entries */
  replay(): number;
  close(): void;
}

/** The daemon that the gate stands in front of. */
export interface Guarded {
  readonly socket: string;
  /** On the same disk as the gate's own folder. */
  readonly spool: string;
  /** Does the work while the daemon sleeps. */
  asleep(work: () => Promise<void>): Promise<void>;
}

/** @param dir a folder of its own that the host sees too */
export function createGate(dir: string, guarded: Guarded): Gate {
  const [run, own] = [join(dir, 'run'), join(dir, 'spool')];
  mkdirSync(run, { recursive: true });
  mkdirSync(own);
  const arrived = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  let held: { readonly shim: Socket; readonly parts: Buffer[]; gone: boolean } | undefined;
  const server = createServer((shim) => {
    const one = { shim, parts: [] as Buffer[], gone: false };
    shim.on('data', (part: Buffer) => {
      one.parts.push(part);
      if (isWhole(Buffer.concat(one.parts))) arrived.resolve();
    });
    shim.on('error', () => undefined);
    shim.once('close', () => {
      one.gone = true;
      left.resolve();
    });
    held = one;
  });
  server.listen(join(run, 'cni.sock'));
  return {
    wrap: inOwnMounts(`mount --bind ${run} /run/multinic && mount --bind ${own} /var/lib/multinic/spool`),
    arrived: arrived.promise,
    left: left.promise,
    async deliver() {
      await arrived.promise;
      if (held === undefined) throw new Error('no call has come to the gate');
      const { shim, parts, gone } = held;
      const request = Buffer.concat(parts);
      if (gone) {
        // Awake it could answer before the end is sent, and would be right to.
        await guarded.asleep(async () => {
          const daemon = await connect(guarded.socket);
          await new Promise<void>((sent) => void daemon.write(request, () => sent()));
          daemon.destroy();
          await once(daemon, 'close');
        });
        return;
      }
      const daemon = await connect(guarded.socket);
      daemon.write(request);
      daemon.pipe(shim);
      shim.once('close', () => daemon.destroy());
    },
    replay() {
      const names = readdirSync(own).filter((name) => !name.startsWith('.'));
      for (const name of names) renameSync(join(own, name), join(guarded.spool, name));
      return names.length;
    },
    close: () => void server.close(),
  };
}

async function connect(socket: string): Promise<Socket> {
  const daemon = createConnection(socket);
  daemon.on('error', () => undefined);
  await once(daemon, 'connect');
  return daemon;
}

function isWhole(request: Buffer): boolean {
  const end = request.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)\r$/m.exec(request.subarray(0, end + 2).toString('latin1'))?.[1];
  return end >= 0 && length !== undefined && request.length - end - 4 >= Number(length);
}
