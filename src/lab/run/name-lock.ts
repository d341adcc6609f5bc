import { createServer } from 'node:net';

/**
 * Takes a name for as long as this process lives; false: another has it. Names are of the network namespace, as addresses and ports are,
 * and none is left behind, however their owner ends: they are abstract sockets.
 */
export function takeName(name: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ path: `\0${name}` }, () => {
      server.unref();
      resolve(true);
    });
  });
}
