import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fieldAt, textOf } from '../../../src/lab/apiserver/object.ts';
import type { Fate } from './proxy.ts';

/** Passes the server's answer on, line by line, and breaks it. Resolves when the answer is over for the client. */
export async function breakBody(
  answer: IncomingMessage,
  response: ServerResponse,
  fate: Fate,
  watch: boolean,
): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of answer) {
    rest = Buffer.concat([rest, Buffer.from(chunk)]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end + 1);
      rest = rest.subarray(end + 1);
      if (!(await passLine(line, response, fate, watch))) return;
    }
  }
  if (rest.length > 0 && !(await passLine(rest, response, fate, watch))) return;
  response.end();
}

/** Names of what is done to a line of an answer; the bookmarks: behind an event of a watch. */
export const lineFaults = {
  any: ['reset mid-line', 'closed mid-line', 'cut line', 'stall', 'dribble', 'delay', 'pieces'],
  watch: ['bookmark twice', 'bookmark late'],
  lies: ['bookmark ahead', 'event twice'],
} as const;

/** @returns whether the answer goes on */
async function passLine(line: Buffer, response: ServerResponse, fate: Fate, watch: boolean): Promise<boolean> {
  const { dice, calm, hit } = fate;
  const owed = fate.owed([...lineFaults.any, ...(watch ? [...lineFaults.watch, ...lineFaults.lies] : [])]);
  const told = [...lineFaults.watch, ...lineFaults.lies].find((name) => name === owed);
  if (told !== undefined || (owed === undefined && (calm() || dice.chance(watch ? 0.8 : 0.6)))) {
    response.write(line);
    if (told !== undefined) bookmark(line, response, fate, told);
    else if (!calm() && watch && dice.chance(0.1)) {
      bookmark(
        line,
        response,
        fate,
        dice.pick(fate.lies ? ['event twice', 'bookmark ahead', ...lineFaults.watch] : lineFaults.watch),
      );
    }
    return true;
  }
  const half = line.subarray(0, dice.between(1, Math.max(1, line.length - 2)));
  const name = lineFaults.any.find((one) => one === owed) ?? dice.pick(lineFaults.any);
  hit(name);
  switch (name) {
    case 'reset mid-line':
      response.write(half, () => response.socket?.resetAndDestroy());
      return false;
    case 'closed mid-line':
      response.end(half);
      return false;
    case 'cut line':
      response.end(Buffer.concat([half, Buffer.from('\n')]));
      return false;
    case 'stall':
      response.write(half);
      return false;
    case 'dribble':
      // Never a whole line, and never silent, however long the client listens.
      while (!response.closed) {
        response.write(' ');
        await sleep(100);
      }
      return false;
    case 'delay':
      await sleep(dice.between(1, 300));
      response.write(line);
      return true;
    default:
      // Also in the middle of a character.
      for (let at = 0; at < line.length; at += 97) {
        response.write(line.subarray(at, at + 97));
        if (at % 970 === 0) await sleep(1);
      }
      return true;
  }
}

/** A bookmark of what has just been told, true now, and true when it comes late or twice; or what no server tells. */
function bookmark(line: Buffer, response: ServerResponse, { dice, hit }: Fate, name: string): void {
  const event: unknown = JSON.parse(line.toString());
  const version = textOf(fieldAt(event, ['object', 'metadata', 'resourceVersion']));
  if (version === '') return;
  hit(name);
  const write = (text: string | Buffer): void => void (response.writable && response.write(text));
  if (name === 'event twice') {
    setTimeout(() => write(line), dice.between(0, 300));
    return;
  }
  const resourceVersion = String(BigInt(version) + (name === 'bookmark ahead' ? 20n : 0n));
  const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion } };
  const told = `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
  if (name !== 'bookmark late') write(told);
  if (name === 'bookmark twice') write(told);
  if (name === 'bookmark late') setTimeout(() => write(told), dice.between(20, 200));
}
