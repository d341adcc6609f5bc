import { expect, test } from 'vitest';
import { startedBefore } from '../../../src/store/stamp.ts';

const at = (bootId: string, ns: bigint) => ({ bootId, ns });

test('within a boot the clock decides, also beyond 2^53 ns', () => {
  expect(startedBefore(at('b', 9007199254740992n), at('b', 9007199254740993n), 'b')).toBe(true);
  expect(startedBefore(at('b', 5n), at('b', 5n), 'b')).toBe(false);
  expect(startedBefore(at('b', 6n), at('b', 5n), 'b')).toBe(false);
});

test('an earlier boot is always lower than the current one', () => {
  expect(startedBefore(at('old', 900n), at('now', 1n), 'now')).toBe(true);
  expect(startedBefore(at('now', 1n), at('old', 900n), 'now')).toBe(false);
});

test('a DEL of one earlier boot acts on an ADD of another: neither left anything alive', () => {
  expect(startedBefore(at('old', 900n), at('older', 1n), 'now')).toBe(true);
  expect(startedBefore(at('older', 900n), at('old', 1n), 'now')).toBe(true);
});
