import { describe, expect, it } from 'vitest';
import type { Nic } from '../../../src/api/host.ts';
import type { ClaimStatus } from '../../../src/api/kinds/hostinterface.ts';
import type { Network } from '../../../src/api/network.ts';
import { emptyLedger } from '../../../src/ipam/ledger.ts';
import { plan } from '../../../src/ipam/plan.ts';
import type { Ledger, PlanHost, PlanOutput } from '../../../src/ipam/types.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parsePrefix } from '../../../src/net/prefix.ts';
import { network, nic } from '../../support/networks.ts';

const of = network({ name: 'net' });
const day = 86_400_000;

/** A host with eth1, eth2 … on 10.1.0.0/24, 10.1.1.0/24 …, `last` its last octet everywhere. */
function host(hostName: string, last: number, change: Partial<PlanHost> = {}, rails = 2): PlanHost {
  const nics = Array.from({ length: rails }, (_, i) => nic(`eth${i + 1}`, [`10.1.${i}.${last}/24`]));
  return { hostName, nodeExists: true, nics, allocated: new Map(), ...change };
}

function claim(hostIndex: number, change: Partial<ClaimStatus> = {}, uid = of.uid): ClaimStatus {
  return { name: 'net', uid, hostIndex, revision: { network: 1, host: 1 }, acknowledged: 'Serving', ...change };
}

const run = (hosts: PlanHost[], ledger: Ledger = emptyLedger, change: Partial<Network> = {}, now = 0): PlanOutput =>
  plan({ network: { ...of, ...change }, ledger, hosts, now });

const indexes = ({ ledger }: PlanOutput) =>
  Object.fromEntries(ledger.hosts.map((one) => [one.hostName, one.hostIndex]));
const reasons = ({ problems }: PlanOutput) => problems.map(({ reason }) => reason);
const blocks = (output: PlanOutput, hostName: string) =>
  output.assignments.get(hostName)?.blocks.map((one) => `${one.interfaceName} ${one.podCIDRs.join(' ')}`);

/** Planned again, the ledger is the same object: the operator writes nothing. */
function settles(hosts: PlanHost[], output: PlanOutput, change: Partial<Network> = {}, now = 0): void {
  expect(run(hosts, output.ledger, change, now).ledger).toBe(output.ledger);
}

describe('plan from nothing', () => {
  it('gives indexes in name order and blocks by them', () => {
    const hosts = [host('b', 2), host('a', 1)];
    const output = run(hosts);
    expect(output.problems).toEqual([]);
    expect(indexes(output)).toEqual({ a: 0, b: 1 });
    expect(output.ledger).toMatchObject({
      revision: 1,
      rails: [
        { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 },
        { interfaceIndex: 1, netAddresses: ['10.1.1.0/24'], ordinal: 0 },
      ],
    });
    expect(output.assignments.get('b')).toEqual({
      name: 'net',
      uid: 'uid-net',
      hostIndex: 1,
      revision: { network: 1, host: 1 },
      blocks: [
        {
          interfaceIndex: 0,
          interfaceName: 'eth1',
          netAddresses: ['10.1.0.0/24'],
          vlanCIDRs: ['192.168.0.0/18'],
          podCIDRs: ['192.168.1.0/24'],
        },
        {
          interfaceIndex: 1,
          interfaceName: 'eth2',
          netAddresses: ['10.1.1.0/24'],
          vlanCIDRs: ['192.168.64.0/18'],
          podCIDRs: ['192.168.65.0/24'],
        },
      ],
    });
    settles(hosts, output);
  });

  it('numbers rails as masterNets lists them, and keeps to those', () => {
    const masterNets = ['10.1.2.0/24', '10.1.0.0/24'].map(parsePrefix);
    const output = run([host('a', 1, {}, 4)], emptyLedger, { masterNets });
    expect(output.ledger.rails.map((rail) => rail.netAddresses)).toEqual([['10.1.2.0/24'], ['10.1.0.0/24']]);
    expect(blocks(output, 'a')).toEqual(['eth3 192.168.0.0/24', 'eth1 192.168.64.0/24']);
  });

  it('says that there are no hosts', () => {
    expect(reasons(run([]))).toEqual(['NoHosts']);
    expect(run([host('a', 1)], emptyLedger, { masterNets: [parsePrefix('10.9.0.0/24')] }).problems).toEqual([
      {
        reason: 'NoHosts',
        message:
          'network "net": none of 1 host has a NIC on 10.9.0.0/24 (masterNets). Their NICs are on 10.1.0.0/24, 10.1.1.0/24: list such networks, or give the NICs addresses',
      },
    ]);
    expect(run([host('a', 1, {}, 0)]).assignments.size).toBe(0);
  });

  it('says that no NIC has one of the names that multi-config configures, and plans on', () => {
    const perNic = (...names: string[]) => ({
      ipam: { kind: 'per-master' as const, configs: Object.fromEntries(names.map((name) => [name, {}])) },
    });
    const output = run([host('a', 1), host('b', 2)], emptyLedger, perNic('ens9', 'ens10'));
    expect(output.problems).toEqual([
      {
        reason: 'NoHosts',
        message:
          'network "net": none of 2 hosts has a NIC named ens9 or ens10 (args of multi-config), so that no pod can get one. Their NICs are eth1, eth2: use these names',
      },
    ]);
    expect(output.assignments.size).toBe(2);
    expect(run([host('a', 1)], emptyLedger, perNic('ens9', 'eth2')).problems).toEqual([]);
  });

  it('plans both families, and pods of a family that the NICs do not have', () => {
    const subnets = ['192.168.0.0/16', 'fd00::/48'].map(parsePrefix);
    expect(blocks(run([host('a', 1, {}, 1)], emptyLedger, { subnets }), 'a')).toEqual([
      'eth1 192.168.0.0/24 fd00::/56',
    ]);
    const six = { subnets: [parsePrefix('fd00::/48')] };
    expect(blocks(run([host('a', 1, {}, 1)], emptyLedger, six), 'a')).toEqual(['eth1 fd00::/56']);
  });

  it('skips indexes that excludes cover, in either place', () => {
    const excludes = ['192.168.0.64/26', '192.168.0.128/30'].map(parsePrefix);
    const four = [host('a', 1), host('b', 2), host('c', 3)];
    const output = run(four, emptyLedger, { hostBlock: 8, excludes });
    expect(indexes(output)).toEqual({ a: 0, b: 2, c: 3 });
    expect(output.assignments.get('b')?.blocks[0]?.excludes).toEqual(['192.168.0.128/30']);
    const rails = run(four, emptyLedger, { excludes: [parsePrefix('192.168.0.0/18')] });
    expect(rails.ledger.rails.map((rail) => rail.interfaceIndex)).toEqual([1, 2]);
  });

  it('skips a block that has no address beside the ends of the rail', () => {
    const tiny = { subnets: [parsePrefix('192.168.0.0/29')], interfaceBlock: 0, hostBlock: 3 };
    const hosts = Array.from({ length: 7 }, (_, i) => host(`h${i}`, i + 1, {}, 1));
    const output = run(hosts, emptyLedger, tiny);
    expect(Object.values(indexes(output))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(output.problems).toMatchObject([{ reason: 'HostIndexesExhausted', hostName: 'h6' }]);
  });
});

describe('what is given stays', () => {
  const first = run([host('a', 1), host('b', 2), host('c', 3)]);

  it('when hosts join before others in name', () => {
    const hosts = [host('0', 9), host('a', 1), host('b', 2), host('c', 3)];
    const output = run(hosts, first.ledger);
    expect(indexes(output)).toEqual({ a: 0, b: 1, c: 2, 0: 3 });
    for (const name of ['a', 'b', 'c']) expect(output.assignments.get(name)).toEqual(first.assignments.get(name));
    expect(output.ledger.revision).toBe(1);
    settles(hosts, output);
  });

  it('when a NIC network is added: the network revision rises, host entries by their own change only', () => {
    const hosts = [host('a', 1, {}, 3), host('b', 2), host('c', 3)];
    const output = run(hosts, first.ledger);
    expect(output.ledger.rails).toHaveLength(3);
    expect(output.ledger.revision).toBe(2);
    expect(output.ledger.hosts.map((one) => one.revision)).toEqual([2, 1, 1]);
    expect(blocks(output, 'a')).toEqual(['eth1 192.168.0.0/24', 'eth2 192.168.64.0/24', 'eth3 192.168.128.0/24']);
    settles(hosts, output);
  });

  it('when all NICs of a host vanish: it keeps its index and is not published, unless pods have addresses', () => {
    const away = run([host('a', 1, {}, 0), host('b', 2), host('c', 3)], first.ledger);
    expect(indexes(away)).toEqual({ a: 0, b: 1, c: 2 });
    expect(away.assignments.has('a')).toBe(false);
    const held = run([host('a', 1, { allocated: new Map([[0, 2]]) }, 0), host('b', 2), host('c', 3)], first.ledger);
    expect(held.assignments.get('a')).toMatchObject({ hostIndex: 0, blocks: [] });
    const back = run([host('a', 1), host('b', 2), host('c', 3)], away.ledger);
    expect(blocks(back, 'a')).toEqual(blocks(first, 'a'));
  });

  it('when a rail is deserted, until its index is needed', () => {
    const alone = run([host('a', 1, {}, 1), host('b', 2, {}, 1), host('c', 3, {}, 1)], first.ledger);
    expect(alone.ledger.rails).toHaveLength(2);
    const others = (last: number) => [
      nic('eth1', [`10.1.0.${last}/24`]),
      ...[7, 8, 9].map((i) => nic(`x${i}`, [`10.${i}.0.${last}/24`])),
    ];
    const hosts = [host('a', 1, { nics: others(1) })];
    const output = run(hosts, alone.ledger);
    expect(output.problems).toEqual([]);
    expect(output.ledger.rails.map((rail) => rail.netAddresses[0])).toEqual([
      '10.1.0.0/24',
      '10.9.0.0/24',
      '10.7.0.0/24',
      '10.8.0.0/24',
    ]);
    settles(hosts, output);
    const held = run([host('a', 1, { nics: others(1), allocated: new Map([[1, 1]]) })], alone.ledger);
    expect(held.problems).toMatchObject([{ reason: 'InterfaceIndexesExhausted' }]);
    expect(held.problems[0]?.message).toContain('NICs on 10.9.0.0/24 are left out');
  });

  it('when the object is another of the same name: nothing of the old one counts', () => {
    const empty = claim(7, { acknowledged: 'Empty' });
    const output = run([host('z', 1, { claim: empty })], first.ledger, { uid: 'uid-other' });
    expect(indexes(output)).toEqual({ z: 0 });
    expect(output.ledger.revision).toBe(1);
  });
});

describe('next hops', () => {
  it('stand in the ledger of routed networks only', () => {
    const hosts = [host('a', 1)];
    expect(run(hosts).ledger.hosts[0]?.addresses).toEqual([
      { interfaceIndex: 0, hostIPs: ['10.1.0.1'] },
      { interfaceIndex: 1, hostIPs: ['10.1.1.1'] },
    ]);
    expect(run(hosts, emptyLedger, { mode: 'l2', routed: false }).ledger.hosts[0]).not.toHaveProperty('addresses');
  });

  it('are of both families, link-local where IPv6 has no other', () => {
    const linkLocal = parseAddress('fe80::1');
    const nics = [
      nic('eth1', ['10.1.0.1/24', 'fd01::1/64'], { linkLocal }),
      nic('eth2', ['10.1.1.1/24'], { linkLocal }),
    ];
    const subnets = ['192.168.0.0/16', 'fd00::/48'].map(parsePrefix);
    expect(run([host('a', 1, { nics })], emptyLedger, { subnets }).ledger.hosts[0]?.addresses).toEqual([
      { interfaceIndex: 0, hostIPs: ['10.1.0.1', 'fd01::1'] },
      { interfaceIndex: 1, hostIPs: ['10.1.1.1'], linkLocal: 'fe80::1' },
    ]);
  });

  it('change the revision of their host alone', () => {
    const before = run([host('a', 1), host('b', 2)]);
    const output = run([host('a', 9), host('b', 2)], before.ledger);
    expect(output.ledger.hosts.map((one) => one.revision)).toEqual([2, 1]);
    expect(output.ledger.revision).toBe(1);
  });

  it('stay with their holder when another host claims the address', () => {
    const before = run([host('b', 2)]);
    const hosts = [host('a', 2), host('b', 2)];
    const output = run(hosts, before.ledger);
    expect(reasons(output)).toEqual(['HostAddressConflict', 'HostAddressConflict']);
    expect(output.problems[0]).toMatchObject({ hostName: 'a' });
    expect(output.problems[0]?.message).toContain('hosts b and a both have the NIC address 10.1.0.2');
    const of = (name: string) => output.ledger.hosts.find((one) => one.hostName === name)?.addresses?.[0]?.hostIPs;
    expect([of('a'), of('b')]).toEqual([[], ['10.1.0.2']]);
    settles(hosts, output);
    // Once the holder has another address, the claimant gets its routes.
    const cured = run([host('a', 2), host('b', 3)], output.ledger);
    expect(cured.problems).toEqual([]);
    expect(cured.ledger.hosts.find((one) => one.hostName === 'a')?.addresses?.[0]?.hostIPs).toEqual(['10.1.0.2']);
  });
});

describe('several NICs on one network', () => {
  const onOne = (name: string, key: string, last: number): Nic => nic(name, [`10.1.0.${last}/24`], { key });
  const two = [onOne('ethA', 'k1', 1), onOne('ethB', 'k2', 2)];
  const byNic = (output: PlanOutput) =>
    Object.fromEntries(
      (output.assignments.get('a')?.blocks ?? []).map((one) => [one.interfaceName, one.interfaceIndex]),
    );

  const published = (output: PlanOutput): Pick<PlanHost, 'published'> => {
    const entry = output.assignments.get('a');
    return entry === undefined ? {} : { published: entry };
  };

  it('have a rail each, by key', () => {
    const hosts = [host('a', 1, { nics: two.toReversed() }), host('b', 2, {}, 1)];
    const output = run(hosts);
    expect(output.ledger.rails).toEqual([
      { interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 },
      { interfaceIndex: 1, netAddresses: ['10.1.0.0/24'], ordinal: 1 },
    ]);
    expect(byNic(output)).toEqual({ ethA: 0, ethB: 1 });
    expect(output.ledger.hosts[0]?.addresses?.map((one) => one.nic)).toEqual(['k1', 'k2']);
    expect(output.ledger.hosts[1]?.addresses?.map((one) => one.nic)).toEqual([undefined]);
    settles(hosts, output);
  });

  it.each([true, false])('keep the first one first when a second joins with a lower key (routed: %s)', (routed) => {
    const change: Partial<Network> = routed ? {} : { mode: 'l2', routed: false };
    const [, second] = two;
    if (second === undefined) throw new Error('no NIC');
    const alone = run([host('a', 1, { nics: [second] })], emptyLedger, change);
    expect(byNic(alone)).toEqual({ ethB: 0 });
    const published = alone.assignments.get('a');
    const hosts = [host('a', 1, { nics: two, ...(routed || published === undefined ? {} : { published }) })];
    const output = run(hosts, alone.ledger, change);
    expect(byNic(output)).toEqual({ ethA: 1, ethB: 0 });
    settles(hosts, output, change);
    // From then on the ledger alone knows.
    expect(byNic(run([host('a', 1, { nics: two })], output.ledger, change))).toEqual({ ethA: 1, ethB: 0 });
  });

  it('keep the place of a vanished one until its block is empty', () => {
    const both = run([host('a', 1, { nics: two })]);
    const [, second] = two;
    if (second === undefined) throw new Error('no NIC');
    const left = run([host('a', 1, { nics: [second] })], both.ledger);
    expect(byNic(left)).toEqual({ ethB: 1 });
    expect(left.ledger.hosts[0]?.addresses).toEqual([
      { interfaceIndex: 0, hostIPs: [], nic: 'k1' },
      { interfaceIndex: 1, hostIPs: ['10.1.0.2'], nic: 'k2' },
    ]);
    expect(byNic(run([host('a', 1, { nics: two })], left.ledger))).toEqual({ ethA: 0, ethB: 1 });
    const third = onOne('ethC', 'k0', 3);
    const busy = run([host('a', 1, { nics: [second, third], allocated: new Map([[0, 1]]) })], left.ledger);
    expect(byNic(busy)).toEqual({ ethB: 1, ethC: 2 });
    const hosts = [host('a', 1, { nics: [second, third] })];
    const empty = run(hosts, left.ledger);
    expect(byNic(empty)).toEqual({ ethB: 1, ethC: 0 });
    settles(hosts, empty);
  });

  it('of a host whose Node is gone: what was said of a NIC counts no more once another network has the index', () => {
    const change = { interfaceBlock: 1 };
    const both = run([host('a', 1, { nics: two })], emptyLedger, change);
    const [rail] = both.ledger.rails;
    if (rail === undefined) throw new Error('no rail');
    const elsewhere = ['k1', 'k2'].map((key, i) => nic(['ethA', 'ethB'][i] ?? '', [`10.1.4.${i + 1}/24`], { key }));
    const hosts = [host('a', 1, { nodeExists: false, nics: elsewhere, claim: claim(0, { interfaces: [rail] }) })];
    const output = run(hosts, both.ledger, change);
    expect(byNic(output)).toEqual({ ethA: 1 });
    expect(output.ledger.hosts[0]?.addresses).toEqual([{ interfaceIndex: 0, hostIPs: ['10.1.0.1'], nic: 'k1' }]);
    settles(hosts, output, change);
    expect(byNic(run(hosts, output.ledger, change))).toEqual({ ethA: 1 });
  });

  it('that get back the index of their last rail stay one network, though its other family has a rail of its own', () => {
    const change: Partial<Network> = { interfaceBlock: 2, hostBlock: 0, mode: 'l2', routed: false };
    const on = (name: string, key: string, ...addresses: string[]): Nic => nic(name, addresses, { key });
    const first = run([host('a', 1, { nics: two })], emptyLedger, change);
    const elsewhere = host('a', 1, {
      nics: [on('ethA', 'k1', 'fd01:0:0:1::1/64')],
      ...published(first),
    });
    const other = host('b', 2, { nics: [on('eth1', 'k1', 'fd01::9/64'), on('eth2', 'k2', '10.1.1.9/24')] });
    const second = run([elsewhere, other], first.ledger, change);
    const interfaces = (second.assignments.get('a')?.blocks ?? []).map(({ interfaceIndex, netAddresses }) => ({
      interfaceIndex,
      netAddresses,
      ordinal: 0,
    }));
    const hosts = [
      host('a', 1, {
        nics: [on('ethA', 'k1', '10.1.0.1/24', 'fd01::1/64')],
        ...published(second),
        claim: claim(0, { interfaces, revision: second.assignments.get('a')?.revision ?? { network: 1, host: 1 } }),
      }),
    ];
    const output = run(hosts, second.ledger, change);
    const places = output.ledger.rails.flatMap(({ netAddresses, ordinal }) =>
      netAddresses.map((net) => `${net} ${ordinal}`),
    );
    expect(places).toEqual([...new Set(places)]);
    settles(hosts, output, change);
  });

  it('of two families are one rail, however few of them a host has', () => {
    const hosts = [
      host('a', 1, { nics: [nic('eth1', ['10.1.0.1/24'])] }),
      host('b', 1, { nics: [nic('eth1', ['fd01::2/64'])] }),
      host('c', 1, { nics: [nic('eth1', ['10.1.0.3/24', 'fd01::3/64'])] }),
    ];
    const output = run(hosts);
    expect(output.ledger.rails).toEqual([
      { interfaceIndex: 0, netAddresses: ['10.1.0.0/24', 'fd01::/64'], ordinal: 0 },
    ]);
    settles(hosts, output);
  });

  it('keep their rail when the network gains a family', () => {
    const four = run([host('a', 1, {}, 1)]);
    const dual = host('b', 1, { nics: [nic('eth1', ['10.1.0.2/24', 'fd01::2/64'])] });
    const output = run([host('a', 1, {}, 1), dual], four.ledger);
    expect(output.ledger.rails).toEqual([
      { interfaceIndex: 0, netAddresses: ['10.1.0.0/24', 'fd01::/64'], ordinal: 0 },
    ]);
    expect(output.ledger.revision).toBe(2);
    expect(blocks(output, 'a')).toEqual(blocks(four, 'a'));
  });
});

describe('exhaustion', () => {
  it('leaves out the NIC networks that do not fit, and no others', () => {
    const hosts = [host('a', 1, {}, 6), host('b', 2, {}, 2)];
    const output = run(hosts);
    expect(output.problems).toEqual([
      {
        reason: 'InterfaceIndexesExhausted',
        message:
          'interfaceBlock 2 numbers 4 NIC networks, 4 have an index and 2 more need one: NICs on 10.1.4.0/24, 10.1.5.0/24 are left out. Raise interfaceBlock or list fewer networks in masterNets',
      },
    ]);
    expect(blocks(output, 'a')).toHaveLength(4);
    expect(blocks(output, 'b')).toHaveLength(2);
    settles(hosts, output);
  });

  it('leaves out the hosts that do not fit, and no others', () => {
    const hosts = Array.from({ length: 8 }, (_, i) => host(`h${i}`, i + 1));
    const output = run(hosts, emptyLedger, { hostBlock: 2 });
    expect(output.problems).toEqual([
      {
        reason: 'HostIndexesExhausted',
        message:
          'hostBlock 2 of network "net" numbers 4 hosts: 4 have an index, 4 got none: h4, h5, h6, h7. Raise hostBlock, shorten excludeCIDRs or remove hosts',
      },
    ]);
    expect([...output.assignments.keys()]).toEqual(['h0', 'h1', 'h2', 'h3']);
  });

  it('with hostBlock 0 gives each NIC network to one host', () => {
    const zero = { hostBlock: 0 };
    const hosts = [host('a', 1, {}, 1), host('b', 2, {}, 2), host('c', 3, {}, 1)];
    const output = run(hosts, emptyLedger, zero);
    expect(blocks(output, 'a')).toEqual(['eth1 192.168.0.0/18']);
    expect(blocks(output, 'b')).toEqual(['eth2 192.168.64.0/18']);
    expect(output.assignments.has('c')).toBe(false);
    expect(output.problems.map(({ reason, hostName }) => [reason, hostName])).toEqual([
      ['HostIndexesExhausted', 'b'],
      ['HostIndexesExhausted', 'c'],
    ]);
    expect(output.problems[0]?.message).toContain("10.1.0.0/24 is host a's, host b has no block there");
    settles(hosts, output, zero);
    // A lower name, or more NICs of an older host, take nothing away.
    const more = run([host('0', 9, {}, 2), ...hosts.slice(1), host('a', 1, {}, 2)], output.ledger, zero);
    expect([blocks(more, 'a'), blocks(more, 'b')]).toEqual([blocks(output, 'a'), blocks(output, 'b')]);
    // The owner leaves: the next one gets the network.
    const left = run([host('b', 2), host('c', 3, {}, 1)], output.ledger, zero);
    expect(blocks(left, 'b')).toEqual(['eth1 192.168.0.0/18', 'eth2 192.168.64.0/18']);
  });
});

describe('hosts that go', () => {
  const hosts = [host('a', 1), host('b', 2), host('c', 3)];
  const small = { hostBlock: 2 };
  const first = run(hosts, emptyLedger, small);

  it('release their index, and get it back', () => {
    const gone = run([host('a', 1), host('b', 2, { nodeExists: false }), host('c', 3)], first.ledger, small, day);
    expect(indexes(gone)).toEqual({ a: 0, c: 2 });
    expect(gone.ledger.released).toEqual([
      { hostIndex: 1, hostName: 'b', at: new Date(day).toISOString(), acknowledged: true },
    ]);
    const now = [host('a', 1), host('c', 3)];
    settles(now, gone, small, 2 * day);
    const back = run([...now, host('0', 8), host('b', 2)], gone.ledger, small, day);
    expect(indexes(back)).toEqual({ a: 0, b: 1, c: 2, 0: 3 });
    expect(back.ledger.released).toEqual([]);
  });

  it('leave never-used indexes to others first, then the longest released one', () => {
    // Reference 3.5: of {0, 1, 2} 1 leaves; the next host gets 3, the one after it 1, then there is none.
    const gone = run([host('a', 1), host('b', 2, { nodeExists: false }), host('c', 3)], first.ledger, small);
    const joined = run([host('a', 1), host('c', 3), host('d', 4)], gone.ledger, small);
    expect(indexes(joined)).toEqual({ a: 0, c: 2, d: 3 });
    const again = run([host('a', 1), host('c', 3), host('d', 4), host('e', 5), host('f', 6)], joined.ledger, small);
    expect(indexes(again)).toEqual({ a: 0, c: 2, d: 3, e: 1 });
    expect(reasons(again)).toEqual(['HostIndexesExhausted']);
  });

  it('keep their index from others for four hours when nobody knows that they stopped', () => {
    const lost = run([host('a', 1), host('c', 3), host('d', 4)], first.ledger, small, day);
    expect(lost.ledger.released).toEqual([{ hostIndex: 1, hostName: 'b', at: new Date(day).toISOString() }]);
    const more = [host('a', 1), host('c', 3), host('d', 4), host('e', 5)];
    const soon = run(more, lost.ledger, small, day + 4 * 3_600_000 - 1);
    expect(soon.problems[0]?.message).toContain('3 have an index, 1 are kept for hosts that are gone, 1 got none: e');
    expect(indexes(run(more, lost.ledger, small, day + 4 * 3_600_000))).toMatchObject({ e: 1 });
  });

  it('drain while pods have addresses or their daemon claims the block', () => {
    const holding = host('b', 2, { nodeExists: false, allocated: new Map([[1, 3]]), claim: claim(1) });
    const now = [host('a', 1), holding, host('c', 3)];
    const output = run(now, first.ledger, small);
    expect(output.assignments.get('b')).toMatchObject({
      hostIndex: 1,
      draining: true,
      revision: { network: 1, host: 2 },
    });
    settles(now, output, small);
    const stopped = { ...holding, claim: claim(1, { acknowledged: 'Stopped', revision: { network: 1, host: 2 } }) };
    const told = run([host('a', 1), stopped, host('c', 3)], output.ledger, small);
    expect(told.ledger).toBe(output.ledger);
    const empty = {
      ...stopped,
      allocated: new Map<number, number>(),
      claim: { ...stopped.claim, acknowledged: 'Empty' as const },
    };
    expect(indexes(run([host('a', 1), empty, host('c', 3)], output.ledger, small))).toEqual({ a: 0, c: 2 });
    // The Node comes back instead: it serves again, under a higher revision.
    const back = run([host('a', 1), { ...stopped, nodeExists: true }, host('c', 3)], output.ledger, small);
    expect(back.assignments.get('b')?.draining).toBeUndefined();
    expect(back.assignments.get('b')?.revision.host).toBe(3);
  });
});

describe('a lost or restored ledger', () => {
  const rails = [
    { interfaceIndex: 2, netAddresses: ['10.1.0.0/24'], ordinal: 0 },
    { interfaceIndex: 0, netAddresses: ['10.1.1.0/24'], ordinal: 0 },
  ];

  it('takes indexes and rails from claims and goes on above the highest revision', () => {
    const hosts = [
      host('a', 1, { claim: claim(7, { interfaces: rails, revision: { network: 4, host: 9 } }) }),
      host('b', 2, { claim: claim(0, { interfaces: rails, revision: { network: 5, host: 2 } }) }),
      host('c', 3),
    ];
    const output = run(hosts);
    expect(indexes(output)).toEqual({ a: 7, b: 0, c: 1 });
    expect(output.ledger.rails.map((rail) => [rail.interfaceIndex, rail.netAddresses[0]])).toEqual([
      [0, '10.1.1.0/24'],
      [2, '10.1.0.0/24'],
    ]);
    expect(output.ledger.revision).toBe(6);
    expect(output.assignments.get('a')?.revision).toEqual({ network: 6, host: 10 });
    settles(hosts, output);
  });

  it('moves a host to the index of a newer claim where that is free', () => {
    const old = run([host('a', 1), host('b', 2)]);
    const newer = (index: number) => claim(index, { revision: { network: 1, host: 5 } });
    const hosts = [host('a', 1, { claim: newer(9) }), host('b', 2)];
    const output = run(hosts, old.ledger);
    expect(indexes(output)).toEqual({ b: 1, a: 9 });
    expect(output.assignments.get('a')?.revision.host).toBe(6);
    settles(hosts, output);
  });

  it('does not move a host to the index of a claim that is as old as its entry', () => {
    const old = run([host('a', 1)]);
    const same = run([host('a', 1, { claim: claim(9) })], old.ledger);
    expect(indexes(same)).toEqual({ a: 0 });
    expect(same.assignments.get('a')).toMatchObject({ hostIndex: 0 });
    expect(same.problems).toEqual([]);
    // With pods on it, it drains there first.
    const held = run([host('a', 1, { claim: claim(9), allocated: new Map([[0, 1]]) })], old.ledger);
    expect(held.assignments.get('a')).toMatchObject({
      hostIndex: 9,
      draining: true,
      blocks: [],
      revision: { host: 2 },
    });
    expect(reasons(held)).toEqual(['IndexConflict']);
    expect(held.problems[0]?.message).toContain('then gets index 0');
  });

  it.each([
    ['the ledger entry stays', { known: true, allocatedA: 0, allocatedB: 4 }, { a: 0 }, ['b']],
    ['else the one with addresses', { known: false, allocatedA: 0, allocatedB: 4 }, { b: 0, a: 1 }, []],
    ['else the lower name', { known: false, allocatedA: 0, allocatedB: 0 }, { a: 0, b: 1 }, []],
    ['and of two with addresses the lower name', { known: false, allocatedA: 1, allocatedB: 4 }, { a: 0 }, ['b']],
  ])('with two claimants of one index: %s', (_, { known, allocatedA, allocatedB }, expected, draining) => {
    const ledger = known ? run([host('a', 1)]).ledger : emptyLedger;
    const held = (count: number) => ({ allocated: new Map([[0, count]]), claim: claim(0) });
    const hosts = [host('a', 1, held(allocatedA)), host('b', 2, held(allocatedB))];
    const output = run(hosts, ledger);
    expect(indexes(output)).toEqual(expected);
    const drains = [...output.assignments].filter(([, entry]) => entry.draining === true);
    expect(drains.map(([name]) => name)).toEqual(draining);
    for (const [, entry] of drains) expect(entry).toMatchObject({ hostIndex: 0, blocks: [], revision: { host: 2 } });
    expect(output.problems.map(({ reason, hostName }) => [reason, hostName])).toEqual(
      draining.map((name) => ['IndexConflict', name]),
    );
    settles(hosts, output);
  });

  it('gives the one that drained a new index when it is empty', () => {
    const { ledger } = run([host('a', 1)]);
    const stopped = claim(0, { acknowledged: 'Stopped', revision: { network: 1, host: 2 } });
    const waiting = run([host('a', 1), host('b', 2, { claim: stopped })], ledger);
    expect(waiting.assignments.get('b')).toMatchObject({ draining: true, revision: { network: 1, host: 2 } });
    const empty = { ...stopped, acknowledged: 'Empty' as const };
    const output = run([host('a', 1), host('b', 2, { claim: empty })], waiting.ledger);
    expect(indexes(output)).toEqual({ a: 0, b: 1 });
    expect(output.assignments.get('b')).toMatchObject({ hostIndex: 1, revision: { network: 1, host: 3 } });
  });

  it.each(['Serving', 'Stopped'] as const)(
    'leaves indexes of a namesake to hosts that may hold addresses (%s)',
    (said) => {
      const former = claim(0, { acknowledged: said, revision: { network: 9, host: 9 } }, 'uid-before');
      const hosts = [host('a', 1), host('b', 2, { claim: former })];
      const output = run(hosts);
      expect(indexes(output)).toEqual({ a: 1, b: 0 });
      expect(output.assignments.get('b')).toMatchObject({ uid: of.uid, hostIndex: 0 });
      expect(output.problems).toEqual([]);
      settles(hosts, output);
      // Not even while its Node is gone, or it has no NIC there.
      expect(indexes(run([host('a', 1), host('b', 2, { claim: former, nodeExists: false })]))).toEqual({ a: 1 });
      expect(indexes(run([host('a', 1), host('b', 2, { claim: former }, 0)]))).toEqual({ a: 1 });
    },
  );

  it('counts claims of a namesake that is empty, and claims that cannot be read, for nothing', () => {
    const broken = [{ interfaceIndex: 3, netAddresses: ['10.1'], ordinal: 0 }];
    const output = run([
      host('a', 1, { claim: claim(5, { acknowledged: 'Empty' }, 'uid-before') }),
      host('b', 2, { claim: claim(6, { interfaces: broken }) }),
    ]);
    expect(indexes(output)).toEqual({ a: 0, b: 6 });
    expect(output.ledger.rails.map((rail) => rail.interfaceIndex)).toEqual([0, 1]);
  });

  it('does not give away an index that a daemon claims', () => {
    // b's claim does not fit the layout's rails any more, but it is not given to c either.
    const hosts = [host('b', 2, { nodeExists: false, claim: claim(0) }), host('c', 3)];
    expect(indexes(run(hosts))).toEqual({ c: 1 });
  });
});

describe('a changed spec', () => {
  const hosts = [host('a', 1), host('b', 2)];
  const first = run(hosts);
  const holding = [host('a', 1, { allocated: new Map([[0, 3]]) }), host('b', 2)];

  it('is applied while no pod has an address', () => {
    const output = run(hosts, first.ledger, { hostBlock: 8 });
    expect(output.problems).toEqual([]);
    expect(blocks(output, 'b')).toEqual(['eth1 192.168.0.64/26', 'eth2 192.168.64.64/26']);
    expect(output.ledger).toMatchObject({ revision: 2, config: { hostBlock: 8 } });
    settles(hosts, output, { hostBlock: 8 });
  });

  it.each<[string, Partial<Network>, string]>([
    ['subnet', { subnets: [parsePrefix('172.16.0.0/16')] }, 'subnets 192.168.0.0/16 -> 172.16.0.0/16'],
    ['host bits', { hostBlock: 8 }, 'hostBlock 6 -> 8'],
    ['interface bits', { interfaceBlock: 3, hostBlock: 5 }, 'interfaceBlock 2 -> 3; hostBlock 6 -> 5'],
    ['excludes over the block', { excludes: [parsePrefix('192.168.0.0/24')] }, 'excludeCIDRs none -> 192.168.0.0/24'],
  ])('that moves a block in use is not: %s', (_, change, text) => {
    const output = run(holding, first.ledger, change);
    expect(output.ledger).toBe(first.ledger);
    expect(output.assignments).toEqual(first.assignments);
    expect(output.problems).toMatchObject([{ reason: 'WouldRenumber' }]);
    expect(output.problems[0]?.message).toContain(text);
    expect(output.problems[0]?.message).toContain('192.168.0.0/24 on host a (3 in use)');
  });

  it('that halves a block in use is not, even where the rail stays what the block was', () => {
    const zero = run([host('a', 1)], emptyLedger, { hostBlock: 0 });
    const output = run(holding.slice(0, 1), zero.ledger, { hostBlock: 1 });
    expect(reasons(output)).toEqual(['WouldRenumber']);
    expect(blocks(output, 'a')?.[0]).toBe('eth1 192.168.0.0/18');
  });

  it('that moves a block whose daemon says that pods remain is not, whatever its pools say', () => {
    const interfaces = [{ interfaceIndex: 0, netAddresses: ['10.1.0.0/24'], ordinal: 0 }];
    const stopped = claim(0, { acknowledged: 'Stopped', interfaces });
    expect(reasons(run([host('a', 1, { claim: stopped }), host('b', 2)], first.ledger, { hostBlock: 8 }))).toEqual([
      'WouldRenumber',
    ]);
  });

  it('leaves the last plan at work: hosts still join', () => {
    const joined = [...holding, host('c', 3)];
    const output = run(joined, first.ledger, { hostBlock: 8 });
    expect(reasons(output)).toEqual(['WouldRenumber']);
    expect(blocks(output, 'c')).toEqual(['eth1 192.168.2.0/24', 'eth2 192.168.66.0/24']);
    settles(joined, output, { hostBlock: 8 });
  });

  it('that moves nothing in use is applied under pods: networks, excludes elsewhere, another family', () => {
    const masterNets = [parsePrefix('10.1.0.0/24')];
    expect(run(holding, first.ledger, { masterNets }).problems).toEqual([]);
    const excludes = ['192.168.0.9/32', '192.168.9.0/24'].map(parsePrefix);
    const excluded = run(holding, first.ledger, { excludes });
    expect(excluded.problems).toEqual([]);
    expect(excluded.assignments.get('a')?.blocks[0]?.excludes).toEqual(['192.168.0.9/32']);
    const both = run(holding, first.ledger, { subnets: ['192.168.0.0/16', 'fd00::/48'].map(parsePrefix) });
    expect(both.problems).toEqual([]);
    expect(blocks(both, 'a')?.[0]).toBe('eth1 192.168.0.0/24 fd00::/56');
    const moved = run([host('a', 1), host('b', 2, { allocated: new Map([[0, 1]]) })], first.ledger, {
      excludes: [parsePrefix('192.168.0.0/24')],
    });
    expect(moved.problems).toEqual([]);
    expect(indexes(moved)).toEqual({ b: 1, a: 2 });
  });

  it('whose bits do not fit leaves the last plan', () => {
    const output = run(hosts, first.ledger, { hostBlock: 30 });
    expect(reasons(output)).toEqual(['BitsDoNotFit']);
    expect(output.ledger).toBe(first.ledger);
    expect(output.assignments).toEqual(first.assignments);
    expect(run(hosts, emptyLedger, { hostBlock: 30 })).toMatchObject({
      ledger: emptyLedger,
      problems: [{ reason: 'BitsDoNotFit' }],
    });
  });
});
