import { describe, expect, test } from 'vitest';
import { ipamNetworks } from '../../../src/api/ipam-networks.ts';
import { placeRequested } from '../../../src/ipam/place-requested.ts';
import { formatInterfaceAddress, formatPrefix, parsePrefix } from '../../../src/net/prefix.ts';

describe('networks of an IPAM configuration', () => {
  test.each([
    [{ type: 'host-local', subnet: '10.1.0.0/24' }, ['10.1.0.0/24']],
    [
      { type: 'host-local', ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: 'fd00:1::/64' }]] },
      ['10.1.0.0/24', 'fd00:1::/64'],
    ],
    [{ type: 'whereabouts', range: '10.1.0.9/24' }, ['10.1.0.0/24']],
    [{ type: 'whereabouts', range: '10.1.0.9-10.1.0.20/24' }, ['10.1.0.0/24']],
    [
      { type: 'whereabouts', ipRanges: [{ range: '10.1.0.0/24' }, { range: 'fd00::/64' }] },
      ['10.1.0.0/24', 'fd00::/64'],
    ],
    [{ type: 'static', addresses: [{ address: '10.1.0.7/16' }] }, ['10.1.0.0/16']],
    [{ type: 'dhcp', range: 7, ranges: 'x', addresses: [null, 3], subnet: 'none' }, []],
  ])('%j', (config, expected) => {
    expect(ipamNetworks(config).map(formatPrefix)).toEqual(expected);
  });
});

describe('requested addresses', () => {
  const place = (nic: string, networks: string[], own: string[] = []) => ({
    nic,
    networks: networks.map(parsePrefix),
    own: own.map(parsePrefix),
  });
  const two = [place('eth1', ['10.1.0.0/24', 'fd00:1::/64']), place('eth2', ['10.2.0.0/24', 'fd00:2::/64'])];
  const shared = [place('eth1', ['10.0.0.0/8'], ['10.1.0.0/24']), place('eth2', ['10.0.0.0/8'], ['10.2.0.0/24'])];
  const silent = [place('eth1', [], ['10.1.0.0/24']), place('eth2', [], ['10.2.0.0/24'])];
  const placed = (places: typeof two, ...texts: string[]) => {
    const placement = placeRequested(places, texts);
    if (!placement.ok) return placement.message;
    return placement.byPlace.map((list) => list.map(({ address, length }) => formatInterfaceAddress(address, length)));
  };

  test.each([
    [two, ['10.2.0.9', 'fd00:1::9', '10.1.0.8'], [['fd00:1::9/64', '10.1.0.8/24'], ['10.2.0.9/24']]],
    [two, ['10.2.0.9/16'], [[], ['10.2.0.9/16']]],
    [shared, ['10.2.0.9'], [[], ['10.2.0.9/8']]],
    [silent, ['10.2.0.9'], [[], ['10.2.0.9/24']]],
    [[place('eth1', [])], ['172.16.0.9/24'], [['172.16.0.9/24']]],
  ])('go to their NICs (%#)', (places, texts, expected) => {
    expect(placed(places, ...texts)).toEqual(expected);
    // Whatever their order.
    expect(placed(places, ...texts.toReversed())).toEqual(expected.map((list) => list.toReversed()));
  });

  test.each([
    [two, '10.3.0.9', /on no NIC's network: eth1 gives 10\.1\.0\.0\/24, fd00:1::\/64; eth2 gives/],
    [shared, '10.3.0.9', /could be on NICs eth1, eth2: choose one of them with masters/],
    [silent, '172.16.0.9/24', /could be on NICs eth1, eth2/],
    [[place('eth1', [])], '172.16.0.9', /needs a prefix length, as 172\.16\.0\.9\/24/],
    [two, 'x', /requested address:/],
  ])('are refused (%#)', (places, text, message) => {
    expect(placed(places, text)).toMatch(message);
  });
});
