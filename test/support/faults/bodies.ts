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

/** @returns whether the answer goes on */
async function passLine(line: Buffer, response: ServerResponse, fate: Fate, watch: boolean): Promise<boolean> {
  const { dice, calm, hit } = fate;
  if (calm() || dice.chance(watch ? 0.8 : 0.6)) {
    response.write(line);
    if (!calm() && watch && dice.chance(0.1)) bookmark(line, response, fate);
    return true;
  }
  const half = line.subarray(0, dice.between(1, Math.max(1, line.length - 2)));
  const name = dice.pick(['reset mid-line', 'closed mid-line', 'cut line', 'stall', 'dribble', 'delay', 'pieces']);
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

/** A bookmark of what has just been told: true now, and true when it comes late or twice. */
function bookmark(line: Buffer, response: ServerResponse, { dice, hit, lies }: Fate): void {
  const event: unknown = JSON.parse(line.toString());
  const version = textOf(fieldAt(event, ['object', 'metadata', 'resourceVersion']));
  if (version === '') return;
  const ahead = lies && dice.chance(0.3);
  const told = `${JSON.stringify({
    type: 'BOOKMARK',
    object: {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { resourceVersion: String(BigInt(version) + (ahead ? 20n : 0n)) },
    },
  })}\n`;
  hit(ahead ? 'bookmark ahead' : 'bookmark');
  response.write(told);
  if (dice.chance(0.5)) response.write(told);
  if (dice.chance(0.5)) setTimeout(() => response.writable && response.write(told), dice.between(1, 200));
  if (!lies) return;
  hit('event twice');
  setTimeout(() => response.writable && response.write(line), dice.between(0, 300));
}
