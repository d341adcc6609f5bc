import { describe, expect, test } from 'vitest';
import type { CniResult } from '../../../src/cni/types.ts';
import { isReplaced, livingNetns, ourLinks } from '../../../src/daemon/attach/look/ours.ts';
import { missingOf } from '../../../src/daemon/attach/look/present.ts';
import { inSandbox, resultOf } from '../../../src/daemon/attach/make/result.ts';
import type { Link } from '../../../src/kernel/types.ts';
import { parseInterfaceAddress } from '../../../src/net/prefix.ts';
import { keyText } from '../../../src/store/key.ts';
import type { AttachmentRecord } from '../../../src/store/types.ts';
import { linkOf } from '../../support/links.ts';
import { recordOf, testBoot } from '../../support/store/records.ts';

function link(name: string, mac: string, ...addresses: string[]): Link {
  return linkOf(name, {
    mac,
    lowerElsewhere: true,
    addresses: addresses.map((text) => ({
      ...parseInterfaceAddress(text),
      scope: 'global',
      tentative: false,
      transient: false,
    })),
  });
}

const macs = ['02:00:00:00:00:0a', '02:00:00:00:00:0b'] as const;
const result: CniResult = {
  interfaces: [
    { name: 'veth1', mac: '02:00:00:00:00:01' },
    { name: 'net1', mac: macs[0], sandbox: '/run/netns/a' },
    { name: 'net1-1', mac: macs[1], sandbox: '/run/netns/a' },
  ],
  ips: [{ address: '10.0.0.1/24', interface: 1 }, { address: 'fd00::1/64', interface: 2 }, { address: '10.9.9.9/24' }],
  routes: [],
  dns: {},
};
const whole = [link('net1', macs[0], '10.0.0.1/24'), link('net1-1', macs[1], 'fd00::1/64')];

describe('missingOf', () => {
  test.each<[string, readonly Link[], readonly string[]]>([
    ['all there', whole, []],
    ['more than asked for', [...whole, link('eth0', macs[0], '10.0.0.1/24')], []],
    [
      'MAC in capitals',
      [link('net1', macs[0].toUpperCase(), '10.0.0.1/24'), link('net1-1', macs[1], 'fd00::1/64')],
      [],
    ],
    ['link gone', whole.slice(1), ['interface net1 is missing']],
    ['empty', [], ['interface net1 is missing', 'interface net1-1 is missing']],
    [
      'another link of the name',
      [link('net1', macs[1], '10.0.0.1/24'), link('net1-1', macs[1], 'fd00::1/64')],
      [`interface net1 has MAC ${macs[1]}, not ${macs[0]}`],
    ],
    [
      'another length',
      [link('net1', macs[0], '10.0.0.1/16'), link('net1-1', macs[1], 'fd00::1/64')],
      ['address 10.0.0.1/24 is missing on interface net1'],
    ],
    [
      'address on the other link',
      [link('net1', macs[0]), link('net1-1', macs[1], 'fd00::1/64', '10.0.0.1/24')],
      ['address 10.0.0.1/24 is missing on interface net1'],
    ],
  ])('%s', (_name, links, problems) => {
    expect(missingOf(result, links)).toEqual(problems);
  });
});

describe('whose links they are', () => {
  const record: AttachmentRecord = { ...recordOf('a', ['10.0.0.1', '10.0.1.1']), result, state: 'ready' };
  const map = (...records: AttachmentRecord[]) => new Map(records.map((one) => [keyText(one.key), one]));
  const replaced = (links: readonly Link[], ...others: AttachmentRecord[]) =>
    isReplaced(record, links, map(record, ...others), testBoot);

  test('our names count, whatever else is there', () => {
    expect(ourLinks(record, [...whole, link('eth0', macs[0])]).map(({ name }) => name)).toEqual(['net1', 'net1-1']);
  });

  test('a link of our name with neither our MAC nor our address means another namespace', () => {
    expect(replaced(whole)).toBe(false);
    expect(replaced([])).toBe(false);
    expect(replaced([link('net1', macs[1], '10.0.0.1/24')]), 'the pod changed the MAC').toBe(false);
    expect(replaced([link('net1', macs[1], '10.0.0.2/24')])).toBe(true);
  });

  test('before the answer, what has the name that was free is ours', () => {
    const { result: _none, ...pending } = record;
    expect(isReplaced(pending, [link('net1', macs[1])], map(pending), testBoot)).toBe(false);
  });

  test('a later attachment of the same names in the same place has it now', () => {
    const place = { netns: record.netns, netnsId: record.netnsId };
    const later = { ...recordOf('b', ['10.0.0.9'], { ns: 2n }), ...place };
    expect(replaced([], later)).toBe(true);
    expect(replaced([], { ...later, stamp: { bootId: testBoot, ns: 0n } })).toBe(false);
    expect(replaced([], { ...later, netnsId: '4:1' })).toBe(false);
    expect(replaced([], { ...later, calls: later.calls.map((call) => ({ ...call, ifname: 'net2' })) })).toBe(false);
  });

  test('the namespace is found under the path of the record or of the caller, if it is the same one', () => {
    const ids: Record<string, string> = { '/old': '4:1', '/new': '4:2', '/alias': '4:1' };
    const kernel = { netnsId: (path: string) => ids[path] };
    const at = (netns: string, also?: string) => livingNetns(kernel, { netns, netnsId: '4:1' }, also);
    expect(at('/old')).toBe('/old');
    expect(at('/gone', '/alias')).toBe('/alias');
    expect(at('/new')).toBeUndefined();
    expect(at('/gone', '')).toBeUndefined();
  });
});

test('the result lists every NIC in order, addresses point to theirs', () => {
  const { calls } = recordOf('a', ['10.0.0.1', '10.0.1.1']);
  const nic = { name: 'eth2', key: 'k', mac: '', mtu: 9000, up: true, addresses: [], pciAddress: '0000:3b:00.1' };
  const made = resultOf({
    calls,
    delegateResults: [
      {
        interfaces: [],
        ips: [{ address: '10.0.0.1/24', interface: 0 }, { address: 'fd00::1/64' }],
        routes: [{ dst: '10.8.0.0/16' }],
        dns: {},
      },
      {
        interfaces: [],
        ips: [{ address: '10.0.1.1/24', gateway: '10.0.1.254', interface: 5 }],
        routes: [],
        dns: { nameservers: ['1.1.1.1'] },
      },
    ],
    links: whole,
    nics: [nic],
    netns: '/run/netns/a',
    dns: { domain: 'x' },
    routes: [],
  });
  expect(made).toEqual({
    interfaces: [
      { name: 'net1', mac: macs[0], mtu: 1500, sandbox: '/run/netns/a' },
      { name: 'net1-1', mac: macs[1], mtu: 1500, sandbox: '/run/netns/a', pciID: '0000:3b:00.1' },
    ],
    ips: [
      { address: '10.0.0.1/24', interface: 0 },
      { address: 'fd00::1/64', interface: 0 },
      { address: '10.0.1.1/24', gateway: '10.0.1.254', interface: 1 },
    ],
    routes: [{ dst: '10.8.0.0/16' }],
    dns: { domain: 'x' },
  });
  expect(inSandbox(made, '/proc/9/ns/net').interfaces.map(({ sandbox }) => sandbox)).toEqual(
    Array(2).fill('/proc/9/ns/net'),
  );
});
