import { createSocket } from 'node:dgram';

/**
 * The least of a DHCP server (RFC 2131) that a client can have a lease from: a test peer. Answers by broadcast, on the network of its own
 * address (a /24), which is given as argument; leases end after an hour. Prints `ready`, then a line for each message that counts:
 * `lease 10.5.1.2 02:…` and `release 10.5.1.2 02:…`. An end of stdin ends it.
 */
function main(own: string): void {
  const base = own.slice(0, own.lastIndexOf('.') + 1);
  const given = new Map<string, string>();
  const socket = createSocket('udp4');
  socket.on('message', (packet) => {
    const request = read(packet);
    if (request === undefined) return;
    const { kind, client, mac } = request;
    const address = given.get(client) ?? `${base}${given.size + 100}`;
    given.set(client, address);
    if (kind === kinds.release) console.log(`release ${address} ${mac}`);
    if (kind === kinds.request) console.log(`lease ${address} ${mac}`);
    const answer = kind === kinds.discover ? kinds.offer : kind === kinds.request ? kinds.ack : undefined;
    if (answer !== undefined) socket.send(reply(packet, answer, address, own), 68, '255.255.255.255');
  });
  socket.bind(67, () => {
    socket.setBroadcast(true);
    console.log('ready');
  });
  process.stdin.on('end', () => process.exit()).resume();
}

const kinds = { discover: 1, offer: 2, request: 3, ack: 5, release: 7 } as const;
/** Of the fixed part with its magic cookie. */
const headLength = 240;

function read(packet: Buffer): { readonly kind: number; readonly client: string; readonly mac: string } | undefined {
  if (packet.length <= headLength || packet[0] !== 1) return undefined;
  const options = new Map<number, Buffer>();
  for (let at = headLength; at < packet.length && packet[at] !== 255; ) {
    const code = packet[at] ?? 0;
    const length = code === 0 ? -1 : (packet[at + 1] ?? 0);
    if (code !== 0) options.set(code, packet.subarray(at + 2, at + 2 + length));
    at += length + 2;
  }
  const mac = packet
    .subarray(28, 34)
    .toString('hex')
    .replaceAll(/(..)(?!$)/g, '$1:');
  // One machine may have several clients, told apart by their identifiers.
  return { kind: options.get(53)?.[0] ?? 0, client: options.get(61)?.toString('hex') ?? mac, mac };
}

function reply(request: Buffer, kind: number, address: string, own: string): Buffer {
  const head = Buffer.from(request.subarray(0, headLength));
  head[0] = 2;
  head.set(bytes(address), 16);
  head.set(bytes(own), 20);
  const options = [
    [53, 1, kind],
    [54, 4, ...bytes(own)],
    [51, 4, 0, 0, 14, 16],
    [1, 4, 255, 255, 255, 0],
    [3, 4, ...bytes(own)],
    [255],
  ];
  return Buffer.concat([head, Buffer.from(options.flat()), Buffer.alloc(60)]);
}

function bytes(address: string): number[] {
  return address.split('.').map(Number);
}

main(process.argv[2] ?? '10.5.0.1');
