import { createServer } from 'node:net';
import { takeName } from '../../../src/lab/run/name-lock.ts';

/** Below what systems give to those who ask for any port (net.ipv4.ip_local_port_range: from 32768 on). */
const first = 20_000;
/** Ports that are taken together. */
const width = 8;
const slots = 1_500;

/**
 * TCP ports for programs that are told theirs and bind it later; all different. Nobody gets one of them meanwhile: they are none that
 * systems give out, and whoever else takes his from here finds them taken for as long as this process lives.
 */
export async function reservePorts(address: string, count: number): Promise<number[]> {
  if (count > width) throw new RangeError(`${count} ports: at most ${width} at a time`);
  const start = process.pid % slots;
  for (let at = 0; at < slots; at++) {
    const slot = (start + at) % slots;
    if (!(await takeName(`multinic-e2e-ports-${slot}`))) continue;
    const ports = Array.from({ length: count }, (_, number) => first + slot * width + number);
    // A program of a test that was killed may still listen.
    if ((await Promise.all(ports.map((port) => isFree(address, port)))).every((free) => free)) return ports;
  }
  throw new Error(`no ${count} free ports at ${address} from ${first} to ${first + slots * width}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}
