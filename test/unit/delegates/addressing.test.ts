import { describe, expect, test } from 'vitest';
import { emptyResult } from '../../../src/cni/result.ts';
import { planAddresses, withAddresses, withoutIpam } from '../../../src/delegates/addressing.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';

const addresses = [{ address: '10.0.1.2/24' }, { address: 'fd00::2/64' }];
const ips = addresses.map((one) => ({ ...one, interface: 0 }));
const ipam = { type: 'static', addresses };

function callOf(plugin: string, change: Partial<DelegateCall> = {}, own: object = ipam): DelegateCall {
  const config = { cniVersion: '1.0.0', name: 'red', type: plugin, mode: 'x', ipam: own };
  return { nic: 'eth1', ifname: 'net1', plugin, config, ...change };
}

const bare = (plugin: string) => ({ cniVersion: '1.0.0', name: 'red', type: plugin, mode: 'x' });
const made = { ...emptyResult, interfaces: [{ name: 'net1', mac: '02:00:00:00:00:01', sandbox: '/n' }] };

test.each(['macvlan', 'host-device'])('%s makes its link without IPAM, and gets its addresses after it', (plugin) => {
  const call = callOf(plugin);
  expect(withoutIpam(call)).toEqual({ ...call, config: bare(plugin) });
  expect(withAddresses(call, made)).toEqual({ ...made, ips });
  const plan = planAddresses([call], [made]);
  expect(plan.lines.map(({ line }) => line.join(' '))).toEqual([
    'addr add 10.0.1.2/24 dev net1 brd +',
    'addr add fd00::2/64 dev net1 nodad',
  ]);
  expect(plan.announcements.map((line) => line.join(' '))).toEqual(['link set dev net1 address 02:00:00:00:00:01']);
  expect(plan.sysctls).toEqual({
    'net/ipv4/conf/net1/arp_notify': '1',
    'net/ipv6/conf/lo/disable_ipv6': '0',
    'net/ipv6/conf/net1/disable_ipv6': '0',
    'net/ipv6/conf/net1/keep_addr_on_down': '1',
  });
});

describe('with static, or whatever IPAM plugin the call names', () => {
  test.each([
    ['ipvlan, which refuses to do without', callOf('ipvlan')],
    ['sriov, which announces its addresses itself', callOf('sriov')],
    ['bridge', callOf('bridge')],
    ['tap', callOf('tap')],
    ['dummy', callOf('dummy')],
    ['a plugin that is not known', callOf('vlan')],
    ['a chain', callOf('macvlan', { chain: [{ plugin: 'sbr', config: {} }] })],
    ['a name that is no word of a batch', callOf('macvlan', { ifname: 'net"1' })],
    ['another IPAM plugin', callOf('macvlan', {}, { type: 'host-local' })],
    ['routes', callOf('macvlan', {}, { ...ipam, routes: [] })],
    [
      'a gateway',
      callOf('macvlan', {}, { type: 'static', addresses: [{ address: '10.0.1.2/24', gateway: '10.0.1.1' }] }),
    ],
    ['no addresses at all', callOf('macvlan', {}, {})],
  ])('%s', (_what, call) => {
    expect(withoutIpam(call)).toBe(call);
    expect(withAddresses(call, made)).toBe(made);
    expect(planAddresses([call], [made])).toEqual({ sysctls: {}, lines: [], announcements: [] });
  });
});

test('an answer that has the addresses already, or more interfaces, or no MAC', () => {
  const call = callOf('macvlan');
  expect(withAddresses(call, { ...made, ips }).ips).toEqual(ips);
  const second = { ...made, interfaces: [{ name: 'on-host' }, { name: 'net1' }] };
  expect(withAddresses(call, second).ips.map((ip) => ip.interface)).toEqual([1, 1]);
  expect(planAddresses([call], [second])).toMatchObject({ announcements: [] });
  expect(
    planAddresses([callOf('macvlan', {}, { type: 'static', addresses: [{ address: '10.0.1.2/31' }] })], [made]),
  ).toMatchObject({
    sysctls: { 'net/ipv4/conf/net1/arp_notify': '1' },
    lines: [{ line: ['addr', 'add', '10.0.1.2/31', 'dev', 'net1'] }],
  });
});
