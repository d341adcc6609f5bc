import { describe, expect, it } from 'vitest';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import type { Network } from '../../../src/api/network.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { configOf } from '../../../src/ipam/layout.ts';
import { networkOfLedger } from '../../../src/operator/decide/accepted.ts';
import { type Candidate, judge, type Relate } from '../../../src/operator/decide/judge.ts';

interface Wish {
  readonly name: string;
  /** s since the epoch. */
  readonly at: number;
  /** Networks of one colour are in conflict. */
  readonly subnet: string;
  readonly planned?: string;
  readonly deleted?: boolean;
}

function candidate({ name, at, subnet, planned, deleted }: Wish): Candidate {
  const object = (text: string): MultiNicNetwork => ({
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: {
      name,
      uid: `uid-${name}`,
      creationTimestamp: new Date(at * 1000).toISOString(),
      ...(deleted === true && { deletionTimestamp: new Date(at * 1000).toISOString() }),
    },
    spec: {
      subnet: text,
      addressing: { hostBlock: 4, interfaceBlock: 2 },
      plugin: { cniVersion: '1.0.0', type: 'macvlan' },
    },
  });
  const then = planned === undefined ? undefined : parseNetwork(object(planned));
  return {
    object: object(subnet),
    parsed: parseNetwork(object(subnet)),
    config: then?.ok === true ? configOf(then.value) : undefined,
  };
}

/** Same first subnet: conflict. 10.66.0.0/16 is refused by itself. */
const relate: Relate = (network, holders) => {
  const base = (one: Network): bigint | undefined => one.subnets[0]?.base;
  const clash = holders.filter((holder) => base(holder) === base(network));
  return [
    ...clash.map((holder) => ({ reason: 'SubnetOverlap' as const, message: `overlaps ${holder.name}` })),
    ...(base(network) === 0x0a420000n ? [{ reason: 'OverlapsHostNetwork' as const, message: 'a host' }] : []),
  ];
};

const a = '192.168.0.0/16';
const b = '172.20.0.0/16';
function verdictOf(name: string, wishes: Wish[]): string {
  const all = wishes.map(candidate);
  const self = all.find((one) => one.object.metadata.name === name);
  if (self === undefined) throw new Error(name);
  return judge(self, all, relate).verdict.message;
}

describe('who is accepted', () => {
  it('the older of two that wait, by time and then by name', () => {
    const wishes = [
      { name: 'x', at: 2, subnet: a },
      { name: 'y', at: 1, subnet: a },
    ];
    expect(verdictOf('y', wishes)).toBe('the spec is valid');
    expect(verdictOf('x', wishes)).toBe('overlaps y');
    const same = wishes.map((wish) => ({ ...wish, at: 1 }));
    expect(verdictOf('x', same)).toBe('the spec is valid');
    expect(verdictOf('y', same)).toBe('overlaps x');
  });

  it('one that was planned, whoever is older', () => {
    const wishes = [
      { name: 'old', at: 1, subnet: a },
      { name: 'planned', at: 2, subnet: a, planned: a },
    ];
    expect(verdictOf('planned', wishes)).toBe('the spec is valid');
    expect(verdictOf('old', wishes)).toBe('overlaps planned');
  });

  it('an older one that is refused itself stands in nobody’s way, nor one that is being deleted unplanned', () => {
    const wishes = [
      { name: 'holder', at: 0, subnet: a, planned: a },
      { name: 'refused', at: 1, subnet: a },
      { name: 'host', at: 1, subnet: '10.66.0.0/16' },
      { name: 'going', at: 1, subnet: b, deleted: true },
      { name: 'young', at: 9, subnet: b },
      { name: 'host-young', at: 9, subnet: '10.66.0.0/15' },
    ];
    expect(verdictOf('young', wishes)).toBe('the spec is valid');
    expect(verdictOf('host', wishes)).toBe('a host');
    expect(verdictOf('host-young', wishes)).toBe('a host');
  });

  it('one that is being deleted holds its place until it is gone', () => {
    const wishes = [
      { name: 'going', at: 1, subnet: a, planned: a, deleted: true },
      { name: 'young', at: 9, subnet: a },
    ];
    expect(verdictOf('young', wishes)).toBe('overlaps going');
  });

  it('one whose spec was edited holds what was planned, and is heard anew for what it wants', () => {
    const wishes = [
      { name: 'edited', at: 1, subnet: b, planned: a },
      { name: 'wants-a', at: 2, subnet: a },
      { name: 'has-b', at: 3, subnet: b, planned: b },
    ];
    expect(verdictOf('wants-a', wishes)).toBe('overlaps edited');
    expect(verdictOf('edited', wishes)).toBe('overlaps has-b');
    // Its own old place does not speak against it.
    expect(verdictOf('edited', wishes.slice(0, 1))).toBe('the spec is valid');
  });

  it('an invalid spec says every field', () => {
    expect(verdictOf('x', [{ name: 'x', at: 1, subnet: '300.0.0.0/8' }])).toContain('spec.subnet: ');
  });
});

describe('a network of its ledger', () => {
  it('is what was planned', () => {
    const { object, config } = candidate({ name: 'x', at: 1, subnet: b, planned: a });
    const parsed = candidate({ name: 'x', at: 1, subnet: a }).parsed;
    if (!parsed.ok) throw new Error('invalid');
    const { subnets, pluginType, mode, routed, masterNets, createdAt } = parsed.value;
    expect(networkOfLedger(object, config)).toMatchObject({ subnets, pluginType, mode, routed, masterNets, createdAt });
  });

  it('is nothing where the ledger is another’s or cannot be read', () => {
    const { object, config } = candidate({ name: 'x', at: 1, subnet: a, planned: a });
    expect(networkOfLedger(object, undefined)).toBeUndefined();
    expect(networkOfLedger(object, { ...config, uid: 'other' })).toBeUndefined();
    expect(networkOfLedger(object, { ...config, subnets: ['nonsense'] })).toBeUndefined();
    expect(networkOfLedger(object, { ...config, type: 'nonsense' })).toBeUndefined();
  });
});
