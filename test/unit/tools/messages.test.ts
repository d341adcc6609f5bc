import { expect, test } from 'vitest';
import { messagesOfCalls, messagesOfProperties } from '../../../tools/generate/errors/messages.ts';

const texts = (source: string): string[] => messagesOfCalls(source, 'new CniError(', 1).map(({ text }) => text);

test('messages as the source has them: sums, branches, holes, and texts that were given a name before', () => {
  expect(
    texts("throw new CniError(code.io, `NIC ${nic.name}, block ${format(pool.block)} is ${a ? `x` : 'y'}` + ' full');"),
  ).toEqual(['NIC ‹nic›, block ‹block› is ‹a› full']);
  expect(texts("const message = `it (${'a, b'}) is gone`; new CniError(code.io, message, details)")).toEqual([
    'it (‹…›) is gone',
  ]);
  expect(texts("new CniError(code.io, late ? 'too late' : 'too early')")).toEqual(['too late / too early']);
  expect(texts('new CniError(code, error.message)')).toEqual([]);
  expect(messagesOfProperties("return { ok: false, message: 'no room here', x: 1 };", 'message')).toEqual([
    { text: 'no room here', subject: '' },
  ]);
});
