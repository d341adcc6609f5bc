import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { PodDevices } from '../../src/daemon/devices/pod-resources.ts';

/** As much of a kubelet as says which devices pods have: the PodResources service over gRPC on a unix socket. */
export interface Kubelet {
  /** What it says from now on. */
  give(pods: readonly PodDevices[]): void;
  close(): Promise<void>;
}

export async function startKubelet(socket: string): Promise<Kubelet> {
  let message = Buffer.alloc(0);
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer();
  server.on('session', (session) => sessions.add(session).size);
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([prefix, message]));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    give: (pods) => {
      message = Buffer.concat(pods.map((pod) => field(1, podBytes(pod))));
    },
    close: async () => {
      for (const session of sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function podBytes({ name, namespace, devices }: PodDevices): Buffer {
  const containers = devices.map(({ resource, id }) =>
    field(3, field(1, 'main'), field(2, field(1, resource), field(2, id))),
  );
  return Buffer.concat([field(1, name), field(2, namespace), ...containers]);
}

/** A length-delimited field of protobuf. */
function field(number: number, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(body.length)]), body]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
