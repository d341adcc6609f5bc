import { expect, test } from 'vitest';
import { askIpam } from '../../../src/delegates/ask-ipam.ts';
import { parseInterfaceAddress } from '../../../src/net/prefix.ts';

const asks = (...texts: string[]) =>
  texts.map((text) => {
    const { address, prefix } = parseInterfaceAddress(text);
    return { address, length: prefix.length };
  });

test('plugins that can be asked are asked, static has the addresses, others stand back for it', () => {
  const local = { type: 'host-local', subnet: '10.1.0.0/24' };
  expect(askIpam(local, [])).toEqual({ ipam: local });
  expect(askIpam(local, asks('10.1.0.9/24'))).toEqual({ ipam: local, ips: ['10.1.0.9'] });
  const remote = { type: 'nv-ipam', poolName: 'pool' };
  expect(askIpam(remote, asks('10.1.0.9/24'))).toEqual({ ipam: remote, ips: ['10.1.0.9'] });
  const routes = [{ dst: '10.9.0.0/16' }];
  const fixed = {
    type: 'static',
    routes,
    addresses: [{ address: '10.1.0.7/24', gateway: '10.1.0.1' }, { address: 'fd00::7/64' }],
  };
  expect(askIpam(fixed, asks('10.1.0.9/24'))).toEqual({
    ipam: { ...fixed, addresses: [{ address: 'fd00::7/64' }, { address: '10.1.0.9/24', gateway: '10.1.0.1' }] },
  });
  expect(askIpam({ type: 'whereabouts', range: '10.1.0.0/24', routes }, asks('10.1.0.9/24'))).toEqual({
    ipam: { type: 'static', routes, addresses: [{ address: '10.1.0.9/24' }] },
  });
});
