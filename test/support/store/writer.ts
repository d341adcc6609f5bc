import { openStore } from '../../../src/store/open.ts';
import { addressText, keyOf, recordOf, testBoot } from './records.ts';

/**
 * A program that a test kills: adds attachments of 4 addresses, 8 at a time, removes every third again, and prints
 * `+name` and `-name` after each commit. Arguments: file, first number.
 */
const [path, first] = process.argv.slice(2);
if (path === undefined || first === undefined) throw new Error('arguments: file, first number');
const { store } = openStore({ path, bootId: testBoot, now: Date.now });

async function one(n: number): Promise<void> {
  const name = `c${n}`;
  const addresses = [0, 1, 2, 3].map((k) => addressText(n * 4 + k));
  const conflict = await store.begin(recordOf(name, addresses));
  if (conflict !== undefined) throw new Error(`${name}: ${conflict.kind}`);
  process.stdout.write(`+${name}\n`);
  if (n % 3 !== 0) return;
  await store.startDelete(keyOf(name));
  await store.remove(keyOf(name), 1);
  process.stdout.write(`-${name}\n`);
}

for (let n = Number(first); ; n += 8) await Promise.all(Array.from({ length: 8 }, (_, k) => one(n + k)));
