import { describe, expect, test } from 'vitest';
import { chooseTables, foreignTables, type TablesInput } from '../../../src/hostroute/tables.ts';
import type { Route, Rule } from '../../../src/kernel/types.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';

const input: TablesInput = {
  networks: ['b', 'a'],
  given: {},
  range: { first: 100, last: 102 },
  foreign: new Set(),
};

describe('chooseTables', () => {
  test('the lowest free ones, by name; given ones are kept', () => {
    expect(chooseTables(input).given).toEqual({ a: 100, b: 101 });
    expect(chooseTables({ ...input, networks: ['c', 'b'], given: { a: 100, b: 101 } }).given).toEqual({
      b: 101,
      c: 100,
    });
  });

  test('a table that others use is neither chosen nor kept', () => {
    expect(chooseTables({ ...input, foreign: new Set([100]) }).given).toEqual({ a: 101, b: 102 });
    const moved = chooseTables({ ...input, networks: ['a'], given: { a: 100 }, foreign: new Set([100]) });
    expect(moved.given).toEqual({ a: 101 });
    expect(moved.problems.get('a')).toBe('route table 100 of network a has routes or rules of others: moved to 101');
  });

  test('a number outside the range is given up; two networks never share one', () => {
    expect(chooseTables({ ...input, given: { a: 99, b: 100 } }).given).toEqual({ a: 101, b: 100 });
    expect(chooseTables({ ...input, given: { a: 102, b: 102 } }).given).toEqual({ a: 102, b: 100 });
  });

  test('no room is told by name with the range', () => {
    const { tables, problems } = chooseTables({ ...input, networks: ['a', 'b', 'c', 'd'] });
    expect([...tables.keys()]).toEqual(['a', 'b', 'c']);
    expect(problems.get('d')).toContain('network d gets no route table: all of 100 to 102');
  });
});

test('foreignTables: by routes and by rules, not by our own', () => {
  const route = (table: number, protocol: number): Route => ({
    family: 4,
    dst: parsePrefix('10.0.0.0/8'),
    table,
    protocol,
    metric: 0,
    scope: 'global',
    type: 'unicast',
  });
  const rule = (table: number, protocol: number): Rule => ({ family: 4, priority: 9, table, protocol, special: true });
  expect(foreignTables([route(1, 77), route(2, 4)], [rule(3, 77), rule(4, 0)])).toEqual(new Set([2, 4]));
});
