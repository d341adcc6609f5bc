import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verifyPublished } from '../../../src/ipam/blocks.ts';
import { emptyLedger, readLedger, writeLedger } from '../../../src/ipam/ledger.ts';
import { plan } from '../../../src/ipam/plan.ts';
import type { Ledger, PlanHost } from '../../../src/ipam/types.ts';
import { overlaps, parsePrefix } from '../../../src/net/prefix.ts';
import { network, nic } from '../../support/networks.ts';

/** What may happen to one host between two plans. */
interface HostState {
  readonly nics: readonly { readonly net: number; readonly families: readonly (4 | 6)[] }[];
  readonly present: boolean;
  readonly nodeExists: boolean;
  readonly allocated: number;
  readonly claims: boolean;
}

const hostState: fc.Arbitrary<HostState> = fc.record({
  nics: fc.array(fc.record({ net: fc.nat(4), families: fc.constantFrom([4], [6], [4, 6] as const) }), { maxLength: 4 }),
  present: fc.boolean(),
  nodeExists: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
  allocated: fc.constantFrom(0, 0, 1),
  claims: fc.boolean(),
});

const world = fc.array(hostState, { minLength: 1, maxLength: 7 });

const settings = fc
  .record({
    interfaceBlock: fc.nat(3),
    hostBlock: fc.nat(4),
    excludes: fc.array(
      fc.constantFrom('192.168.0.0/20', '192.168.16.0/23', '192.168.3.0/24', 'fd00::/52', '192.168.64.7/32'),
      { maxLength: 3 },
    ),
    subnets: fc.constantFrom(['192.168.0.0/16'], ['fd00::/48'], ['192.168.0.0/16', 'fd00::/48']),
    routed: fc.boolean(),
  })
  .map(({ excludes, subnets, routed, ...bits }) =>
    network({
      name: 'net',
      ...bits,
      excludes: excludes.map(parsePrefix),
      subnets: subnets.map(parsePrefix),
      routed,
      mode: routed ? 'l3' : 'l2',
    }),
  );

type Output = ReturnType<typeof plan>;

/** Hosts as the operator would see them after the plan `before`: daemons claim what was published. */
function hostsOf(states: readonly HostState[], before: Output | undefined): PlanHost[] {
  return states.flatMap((state, h) => {
    const hostName = `h${h}`;
    if (!state.present) return [];
    const published = before?.assignments.get(hostName);
    const nics = state.nics.map(({ net, families }, i) =>
      nic(
        `eth${i}`,
        families.map((family) =>
          family === 4 ? `10.1.${net}.${h * 8 + i + 1}/24` : `fd01:0:0:${net}::${h * 8 + i + 1}/64`,
        ),
        { key: `k${(i * 3) % 4}` },
      ),
    );
    const held = (published?.blocks ?? []).map((block) => [block.interfaceIndex, state.allocated] as const);
    return [
      {
        hostName,
        nodeExists: state.nodeExists,
        nics,
        allocated: new Map(held),
        ...(published === undefined ? {} : { published }),
        ...(published === undefined || !state.claims
          ? {}
          : {
              claim: {
                name: 'net',
                uid: published.uid,
                hostIndex: published.hostIndex,
                revision: published.revision,
                acknowledged:
                  published.draining === true
                    ? state.allocated > 0
                      ? ('Stopped' as const)
                      : ('Empty' as const)
                    : ('Serving' as const),
                interfaces: published.blocks.map((block) => ({
                  interfaceIndex: block.interfaceIndex,
                  netAddresses: block.netAddresses,
                  ordinal:
                    before?.ledger.rails.find((rail) => rail.interfaceIndex === block.interfaceIndex)?.ordinal ?? 0,
                })),
              },
            }),
      },
    ];
  });
}

function checkLedger(ledger: Ledger): void {
  const unique = (values: readonly unknown[]) => expect(new Set(values).size).toBe(values.length);
  unique(ledger.hosts.map((host) => host.hostIndex));
  unique(ledger.hosts.map((host) => host.hostName));
  unique([...ledger.hosts, ...ledger.released].map((host) => host.hostIndex));
  unique(ledger.rails.map((rail) => rail.interfaceIndex));
  unique(ledger.rails.flatMap((rail) => rail.netAddresses.map((net) => `${net} ${rail.ordinal}`)));
  for (const host of ledger.hosts) unique((host.addresses ?? []).map((address) => address.interfaceIndex));
}

function checkBlocks({ assignments, ledger }: Output, hosts: readonly PlanHost[]): void {
  const all = [...assignments.values()].flatMap((entry) =>
    entry.blocks.flatMap((block) => block.podCIDRs.map(parsePrefix)),
  );
  all.forEach((one, i) => all.slice(i + 1).forEach((other) => expect(overlaps(one, other)).toBe(false)));
  for (const host of hosts) {
    const entry = assignments.get(host.hostName);
    if (entry === undefined || ledger.config === undefined) continue;
    const verified = verifyPublished(ledger.config, ledger.rails, entry, host.hostName, host.nics);
    expect(verified).toMatchObject({ ok: true });
    expect(verified.ok && verified.blocks).toHaveLength(entry.blocks.length);
    expect(new Set(entry.blocks.map((block) => block.interfaceName)).size).toBe(entry.blocks.length);
  }
}

describe('plan', () => {
  it('is idempotent, indifferent to order, unique in what it gives, and what daemons compute', () => {
    fc.assert(
      fc.property(settings, fc.array(world, { minLength: 1, maxLength: 4 }), fc.nat(), (of, worlds, seed) => {
        let before: Output | undefined;
        for (const [now, states] of worlds.entries()) {
          const hosts = hostsOf(states, before);
          const input = { network: of, ledger: before?.ledger ?? emptyLedger, hosts, now };
          const output = plan(input);
          checkLedger(output.ledger);
          checkBlocks(output, hosts);

          const again = plan({ ...input, ledger: output.ledger, now: now + 1 });
          expect(again.ledger).toBe(output.ledger);
          expect(again.assignments).toEqual(output.assignments);

          const turn = seed % Math.max(1, hosts.length);
          const shuffled = [...hosts.slice(turn), ...hosts.slice(0, turn)].map((host) => ({
            ...host,
            nics: host.nics.toReversed(),
          }));
          expect(plan({ ...input, hosts: shuffled })).toEqual(output);

          const { cidr, slices } = writeLedger(of, output.ledger);
          const meta = { apiVersion: 'v1', metadata: { name: 'net' } };
          const stored = slices.map(({ spec }) => ({ ...meta, kind: 'CIDRSlice', spec }));
          expect(readLedger({ ...meta, kind: 'CIDR', spec: cidr }, stored)).toEqual(output.ledger);
          before = output;
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never moves a block that holds addresses, whatever joins, leaves or is written', () => {
    fc.assert(
      fc.property(settings, settings, world, world, (of, changed, first, second) => {
        const start = plan({ network: of, ledger: emptyLedger, hosts: hostsOf(first, undefined), now: 0 });
        // Hosts with addresses keep their NICs; everything else may change.
        const states = first.map((state, h) =>
          state.allocated > 0 ? { ...state, claims: true } : (second[h] ?? state),
        );
        const more = [...states, ...second.slice(first.length)];
        const output = plan({ network: changed, ledger: start.ledger, hosts: hostsOf(more, start), now: 1 });
        for (const [h, state] of first.entries()) {
          const name = `h${h}`;
          const old = start.assignments.get(name);
          if (state.allocated === 0 || old === undefined || old.blocks.length === 0) continue;
          const kept = output.assignments.get(name);
          expect(kept?.hostIndex).toBe(old.hostIndex);
          for (const block of old.blocks) {
            const now = kept?.blocks.find((one) => one.interfaceIndex === block.interfaceIndex);
            expect(now?.interfaceName).toBe(block.interfaceName);
            for (const pod of block.podCIDRs) expect(now?.podCIDRs).toContain(pod);
            for (const vlan of block.vlanCIDRs) expect(now?.vlanCIDRs).toContain(vlan);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('never lowers a revision, and raises it with every change that a daemon sees', () => {
    fc.assert(
      fc.property(settings, fc.array(world, { minLength: 2, maxLength: 4 }), (of, worlds) => {
        let before: Output | undefined;
        for (const states of worlds) {
          const hosts = hostsOf(
            states.map((state) => ({ ...state, present: true, nodeExists: true })),
            before,
          );
          const output = plan({ network: of, ledger: before?.ledger ?? emptyLedger, hosts, now: 0 });
          for (const [name, entry] of output.assignments) {
            const old = before?.assignments.get(name);
            if (old === undefined) continue;
            expect(entry.revision.network).toBeGreaterThanOrEqual(old.revision.network);
            expect(entry.revision.host).toBeGreaterThanOrEqual(old.revision.host);
            if (entry.hostIndex !== old.hostIndex) expect(entry.revision.host).toBeGreaterThan(old.revision.host);
          }
          before = output;
        }
      }),
    );
  });
});
