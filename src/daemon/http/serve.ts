import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { prepareSocket } from './listen.ts';
import { type SocketParts, socketApp } from './socket-app.ts';

export interface Served {
  readonly path: string;
  /** Takes no new call; resolves when those in flight are answered. */
  close(): Promise<void>;
}

/** Listens on a unix socket that only root may use. @throws Error when another daemon answers on it */
export async function serveSocket(path: string, parts: SocketParts): Promise<Served> {
  await prepareSocket(path);
  const server = socketApp(parts);
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o600);
  return {
    path,
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
