import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Service, type ServiceOptions } from './service.ts';
import type { Cluster } from './storage/cluster.ts';

export interface ListenAddress {
  readonly address: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface ApiServerOptions extends ServiceOptions {
  readonly listen: readonly ListenAddress[];
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface ApiServer {
  /** Of the listen addresses, in their order. */
  readonly ports: readonly number[];
  readonly urls: readonly string[];
  /** The first of urls. */
  readonly url: string;
  readonly cluster: Cluster;
  /** Cuts all open watches, as a server that restarts does. */
  endWatches(): void;
  /** Forgets changes and unfinished lists: old resourceVersions and continue tokens get 410. */
  compact(): void;
  close(): Promise<void>;
}

function newServer(options: ApiServerOptions, listener: RequestListener): Server {
  const server = options.tls
    ? createTlsServer({ key: options.tls.key, cert: options.tls.cert, ALPNProtocols: ['http/1.1'] }, listener)
    : createServer(listener);
  // Idle connections stay, as with kube-apiserver: a client that reuses one must not run into its end.
  server.keepAliveTimeout = 180_000;
  server.requestTimeout = 0;
  server.headersTimeout = 0;
  return server;
}

function listen(server: Server, { address, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound ? bound.port : port);
    });
  });
}

/** Serves a cluster's state on all the addresses. Rejects when one cannot be listened on; then none is. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const service = new Service(options);
  const handle: RequestListener = (message, response) => void service.handle(message, response);
  const servers = options.listen.map((address) => ({ address, server: newServer(options, handle) }));
  const endWatches = (): void => {
    for (const watch of service.watches) watch.end();
  };
  const close = async (): Promise<void> => {
    endWatches();
    await Promise.all(
      servers.map(
        ({ server }) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  };
  let ports: number[];
  try {
    ports = await Promise.all(servers.map(({ server, address }) => listen(server, address)));
  } catch (error) {
    await close();
    throw error;
  }
  const scheme = options.tls ? 'https' : 'http';
  const urls = options.listen.map(
    ({ address }, i) => `${scheme}://${address.includes(':') ? `[${address}]` : address}:${ports[i]}`,
  );
  const compact = (): void => {
    service.cluster.store.compact();
    service.continuations.clear();
  };
  return { ports, urls, url: urls[0] ?? '', cluster: service.cluster, endWatches, compact, close };
}
