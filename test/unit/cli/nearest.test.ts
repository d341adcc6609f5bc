import { describe, expect, it } from 'vitest';
import { nearest } from '../../../src/cli/check/nearest.ts';

const known = ['subnet', 'subnets', 'masterNets', 'args', 'ipam', 'dns'];

describe('nearest', () => {
  it.each([
    ['subnt', 'subnet'],
    ['subnetz', 'subnet'],
    ['masternets', 'masterNets'],
    ['ARGS', 'args'],
    ['master', undefined],
    ['mtu', undefined],
    ['nds', undefined],
    ['', undefined],
  ])('of %s is %s', (name, meant) => {
    expect(nearest(name, known)).toBe(meant);
  });
});
