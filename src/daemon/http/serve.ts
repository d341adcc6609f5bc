import { chmod } from 'node:fs/promises';
import type { DaemonMetrics } from '../../observe/metrics.ts';
import type { Readiness } from '../../observe/readiness.ts';
import { healthApp } from './health-app.ts';
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
  const app = socketApp(parts);
  await app.listen({ path });
  await chmod(path, 0o600);
  return { path, close: () => app.close().then(() => undefined) };
}

/** @param listen address:port, or `off` */
export async function serveHealth(listen: string, readiness: Readiness, metrics: DaemonMetrics): Promise<Served> {
  if (listen === 'off') return { path: 'off', close: async () => {} };
  const colon = listen.lastIndexOf(':');
  const port = Number(listen.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new Error(`--health-listen "${listen}": write address:port (127.0.0.1:11000) or off`);
  }
  const app = healthApp(readiness, metrics);
  const path = await app.listen({ host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port });
  return { path, close: () => app.close().then(() => undefined) };
}
