import type { Program } from './types.ts';

/** What spawner.c reports about one program. */
export type Report =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  /** `status` as of waitpid(2). */
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'closed' }
  /** It cannot be started, or (`netns`) its namespace cannot be entered. */
  | { readonly kind: 'failed'; readonly errno: number; readonly netns: boolean };

/**
 * The request that starts a program.
 * @throws TypeError for a text with a 0 byte, which no argument can hold
 */
export function runFrame(id: number, program: Program): Buffer {
  const { argv, input, ownGroup = false, netns = '', files = [] } = program;
  const variables = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  const texts = [netns, ...argv, ...variables, ...files.flat()];
  const bad = texts.find((text) => text.includes('\0'));
  if (bad !== undefined) throw new TypeError(`${JSON.stringify(bad)} holds a 0 byte`);
  const numbers = Buffer.alloc(13);
  numbers.writeUInt8(ownGroup ? 1 : 0, 0);
  for (const [index, count] of [argv.length, variables.length, files.length].entries()) {
    numbers.writeUInt32LE(count, 1 + 4 * index);
  }
  return frame('r', id, [numbers, Buffer.from(`${texts.join('\0')}\0`), Buffer.from(input)]);
}

export function killFrame(id: number, signal: number): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(signal);
  return frame('k', id, [number]);
}

export function dropFrame(id: number): Buffer {
  return frame('d', id, []);
}

function frame(kind: string, id: number, parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(5 + parts.reduce((sum, { length }) => sum + length, 0), 0);
  head.write(kind, 4, 'latin1');
  head.writeUInt32LE(id, 5);
  return Buffer.concat([head, ...parts]);
}

/** Reads reports from pieces of a stream. @throws Error for what is no report */
export function createReader(onReport: (id: number, report: Report) => void): (data: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (data) => {
    rest = rest.length === 0 ? data : Buffer.concat([rest, data]);
    let at = 0;
    while (rest.length - at >= 4) {
      const length = rest.readUInt32LE(at);
      if (rest.length - at - 4 < length) break;
      const body = rest.subarray(at + 9, at + 4 + length);
      onReport(rest.readUInt32LE(at + 5), reportOf(String.fromCharCode(rest.readUInt8(at + 4)), body));
      at += 4 + length;
    }
    rest = rest.subarray(at);
  };
}

function reportOf(kind: string, body: Buffer): Report {
  switch (kind) {
    case 's':
      return { kind: 'started', pid: body.readUInt32LE(0) };
    case 'o':
      return { kind: 'stdout', data: body };
    case 'e':
      return { kind: 'stderr', data: body };
    case 'x':
      return { kind: 'exited', status: body.readUInt32LE(0) };
    case 'c':
      return { kind: 'closed' };
    case 'f':
    case 'n':
      return { kind: 'failed', errno: body.readUInt32LE(0), netns: kind === 'n' };
    default:
      throw new Error(`the spawner reports "${kind}", which is not known`);
  }
}
