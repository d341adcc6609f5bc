import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to a server on this machine that can be shut, while others still have their own. */
export interface Door {
  readonly url: string;
  /** Cuts what is open and listens no more: connections are refused. */
  shut(): Promise<void>;
  /** Listens again, on the same port. */
  open(): Promise<void>;
}

/** @param url http://<address>:<port> of the server */
export async function startDoor(url: string): Promise<Door> {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let own = 0;

  const carry = (from: Socket): void => {
    const to = connect(Number(port), hostname);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  };
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server = createServer(carry);
      server.once('error', reject).listen(own, '127.0.0.1', () => {
        const address = server?.address();
        if (typeof address === 'object' && address !== null) own = address.port;
        resolve();
      });
    });
  await open();
  return {
    url: `http://127.0.0.1:${own}`,
    open,
    shut: () =>
      new Promise((resolve) => {
        server?.close(() => resolve());
        server = undefined;
        for (const socket of sockets) socket.resetAndDestroy();
      }),
  };
}
