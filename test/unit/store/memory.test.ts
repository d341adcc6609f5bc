import { expect, test } from 'vitest';
import { parseAddress } from '../../../src/net/address.ts';
import { createMemory } from '../../../src/store/memory.ts';
import { keyOf, lentNic, recordOf } from '../../support/store/records.ts';

const resting = (text: string, since: number) => ({ network: 'net', address: parseAddress(text), since });

test('what stood in the file is there at once', () => {
  const record = recordOf('a', ['10.0.0.1']);
  const memory = createMemory({
    attachments: [{ id: 7, record }],
    resting: [resting('10.0.0.2', 5)],
    lent: [lentNic('eth5', 'a')],
  });
  expect([...memory.attachments.values()]).toEqual([record]);
  expect(memory.idOf(keyOf('a'))).toBe(7);
  expect(memory.isResting('net', parseAddress('10.0.0.2'))).toBe(true);
  expect([...memory.lent.keys()]).toEqual(['eth5']);
});

test('an address rests from the removal of its record until it is given again, or has rested for long enough', () => {
  const memory = createMemory({ attachments: [], resting: [], lent: [] });
  const [first, second] = ['10.0.0.1', '10.0.0.2'].map((text) => parseAddress(text));
  if (first === undefined || second === undefined) throw new Error('two addresses');
  const record = recordOf('a', ['10.0.0.1', '10.0.0.2']);
  memory.add(1, record, [lentNic('eth5', 'a')]);
  expect(memory.resting()).toEqual([]);
  memory.remove(record, 100);
  expect(memory.idOf(keyOf('a'))).toBeUndefined();
  expect(memory.attachments.size).toBe(0);
  // A NIC is lent until somebody says that it is back.
  expect(memory.lent.has('eth5')).toBe(true);
  memory.returned('eth5');
  expect(memory.lent.size).toBe(0);

  memory.add(2, recordOf('b', ['10.0.0.1']), []);
  expect([memory.isResting('net', first), memory.isResting('net', second)]).toEqual([false, true]);
  expect(memory.isResting('other', second)).toBe(false);
  memory.expire(100);
  expect(memory.resting()).toEqual([resting('10.0.0.2', 100)]);
  memory.expire(101);
  expect(memory.resting()).toEqual([]);
});
