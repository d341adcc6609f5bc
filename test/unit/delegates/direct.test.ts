import { expect, test } from 'vitest';
import { directResult, planDirect } from '../../../src/delegates/direct.ts';
import type { DelegateCall } from '../../../src/delegates/types.ts';

const key = { network: 'red', containerID: 'c1', ifname: 'net1' };
const ipam = { type: 'static', addresses: [{ address: '10.0.1.2/24' }, { address: 'fd00::2/64' }] };
const config = { cniVersion: '1.0.0', name: 'red', type: 'macvlan', master: 'eth1', mode: 'bridge', ipam };
const call: DelegateCall = { nic: 'eth1', ifname: 'net1', plugin: 'macvlan', config };
const planned = (change: Readonly<Record<string, unknown>>, netns = '/run/netns/p') =>
  planDirect(key, [{ ...call, config: { ...config, ...change } }], netns, { accept_ra: '0' });

test('a link is born in the pod under a passing name; addressed, named and up in the second batch', () => {
  const plan = planned({ mtu: 1400 });
  const name = plan?.create[0]?.[5] ?? '';
  expect(name).toMatch(/^veth[0-9a-f]{8}$/);
  expect(plan?.create.map((line) => line.join(' '))).toEqual([
    `link add link eth1 name ${name} txqueuelen 0 mtu 1400 netns /run/netns/p type macvlan mode bridge`,
  ]);
  const { sysctls, lines } = plan?.finish() ?? {};
  expect(lines?.map(({ line }) => line.join(' '))).toEqual([
    `link set dev ${name} name net1`,
    'addr add 10.0.1.2/24 dev net1 brd +',
    'addr add fd00::2/64 dev net1 nodad',
    'link set dev net1 up',
  ]);
  expect(sysctls).toEqual({
    [`net/ipv4/conf/${name}/arp_notify`]: '1',
    [`net/ipv6/conf/${name}/accept_ra`]: '0',
    'net/ipv6/conf/lo/disable_ipv6': '0',
    [`net/ipv6/conf/${name}/disable_ipv6`]: '0',
    [`net/ipv6/conf/${name}/keep_addr_on_down`]: '1',
  });
});

test('passing names differ by NIC and by attachment, and stay the same for one', () => {
  const namesOf = (containerID: string) =>
    planDirect({ ...key, containerID }, [call, { ...call, ifname: 'net1-1' }], '/n', {})?.create.map((line) => line[5]);
  const names = [...(namesOf('c1') ?? []), ...(namesOf('c2') ?? [])];
  expect(new Set(names).size).toBe(4);
  expect(namesOf('c1')).toEqual(names.slice(0, 2));
});

test.each([
  ['a key that is not known here', { bcqueuelen: 5 }],
  ['another mode', { mode: 'source' }],
  ['another IPAM plugin', { ipam: { type: 'host-local' } }],
  ['routes of the IPAM plugin', { ipam: { ...ipam, routes: [] } }],
  ['a gateway', { ipam: { type: 'static', addresses: [{ address: '10.0.1.2/24', gateway: '10.0.1.1' }] } }],
  ['an MTU that is no number', { mtu: '1400' }],
  ['another master', { master: 'eth2' }],
])('left to the delegates: %s', (_what, change) => {
  expect(planned({})).toBeDefined();
  expect(planned(change)).toBeUndefined();
});

test('left to the delegates: a path that cannot stand in a batch, a plugin of another name, one name twice', () => {
  expect(planned({}, '/run/net ns')).toBeUndefined();
  expect(planDirect(key, [{ ...call, plugin: 'bridge' }], '/n', {})).toBeUndefined();
  expect(planDirect(key, [call, call], '/n', {})).toBeUndefined();
});

test('/31 has no broadcast address, as the plugins see it', () => {
  const plan = planned({ ipam: { type: 'static', addresses: [{ address: '10.0.1.2/31' }] } });
  expect(plan?.finish().lines[1]?.line.join(' ')).toBe('addr add 10.0.1.2/31 dev net1');
});

test('the result is the plugin’s: MTU from CNI 1.1.0 on', () => {
  const link = { name: 'net1', mac: '02:00:00:00:00:01', mtu: 1500 };
  const result = directResult(call, link, '/n');
  expect(result).toEqual({
    interfaces: [{ name: 'net1', mac: link.mac, sandbox: '/n' }],
    ips: [
      { address: '10.0.1.2/24', interface: 0 },
      { address: 'fd00::2/64', interface: 0 },
    ],
    routes: [],
    dns: {},
  });
  const newer = directResult({ ...call, config: { ...config, cniVersion: '1.1.0' } }, link, '/n');
  expect(newer.interfaces[0]?.mtu).toBe(1500);
});
