import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ipvlanKernel, runThere } from '../../support/ipvlan-kernel.ts';

test('ipvlan l3 across two hosts: every pod reaches every other on every NIC, IPv4 and IPv6', (ctx) => {
  const kernel = ipvlanKernel();
  if ('missing' in kernel) {
    ctx.skip(kernel.missing);
    return;
  }
  expect(runThere(kernel, fileURLToPath(new URL('two-hosts.ts', import.meta.url)))).toEqual({
    modes: ['l3', 'l3'],
    // Four pods, three others each, two NICs, two families.
    sent: 48,
    lost: [],
    problems: [],
    leftovers: [],
    example: ['192.168.1.1', 'fd00:0:0:100::1', '192.168.65.1', 'fd00:0:0:4100::1'],
  });
});
