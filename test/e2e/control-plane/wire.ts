import { connect, createServer, type Socket } from 'node:net';

/**
 * A line to an API server that can be cut. What had not reached the server by then never does: a request that was held up on the way and
 * came late would be nobody's fault.
 */
export interface Wire {
  /** What to connect to instead. */
  readonly url: string;
  /** `reset`: connections end and new ones are refused; `silence`: they stay, and nothing comes through. */
  cut(how: 'reset' | 'silence'): void;
  /** New connections go through; those of a silence end. */
  mend(): void;
  close(): Promise<void>;
}

/** Lays one to a server, `https://host:port` or `http://…`, from an address of this machine. */
export async function layWire(server: string, address = '127.0.0.1'): Promise<Wire> {
  const target = new URL(server);
  const pairs = new Set<readonly [near: Socket, far: Socket | undefined]>();
  let broken: 'reset' | 'silence' | undefined;

  const listener = createServer((near) => {
    near.on('error', () => near.destroy());
    if (broken === 'reset') return void near.resetAndDestroy();
    if (broken === 'silence') return hold(near);
    const far = connect(Number(target.port), target.hostname);
    far.on('error', () => near.destroy());
    const pair = [near, far] as const;
    pairs.add(pair);
    near.on('close', () => far.destroy());
    far.on('close', () => {
      if (far.destroyed && broken !== 'silence') near.destroy();
    });
    near.on('close', () => pairs.delete(pair));
    near.pipe(far).pipe(near);
  });
  /** Reads it into nothing. */
  function hold(near: Socket): void {
    pairs.add([near, undefined]);
    near.resume();
  }
  const endAll = (): void => {
    for (const [near, far] of pairs) {
      near.destroy();
      far?.destroy();
    }
    pairs.clear();
  };
  await new Promise<void>((resolve) => listener.listen(0, address, resolve));
  const bound = listener.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  return {
    url: `${target.protocol}//${address}:${port}`,
    cut(how) {
      broken = how;
      if (how === 'reset') return endAll();
      for (const [near, far] of pairs) {
        if (far === undefined) continue;
        near.unpipe(far);
        far.unpipe(near);
        near.resume();
        far.destroy();
      }
    },
    mend() {
      if (broken === 'silence') endAll();
      broken = undefined;
    },
    async close() {
      endAll();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
