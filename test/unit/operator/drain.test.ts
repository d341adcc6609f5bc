import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PublishedNetwork } from '../../../src/api/kinds/hostinterface.ts';
import { listed } from '../../../src/api/words.ts';
import { type DrainHost, drainStep } from '../../../src/operator/decide/drain.ts';

const published = (more: Partial<PublishedNetwork> = {}): PublishedNetwork => ({
  name: 'net',
  uid: 'u1',
  hostIndex: 0,
  revision: { network: 3, host: 7 },
  blocks: [],
  ...more,
});

function host(name: string, more: Partial<DrainHost> = {}): DrainHost {
  return { hostName: name, nodeExists: true, pools: [], attachments: 0, ...more };
}

const entry = { hostIndex: 0, hostName: 'a', revision: 7 };
const draining = published({ draining: true, revision: { network: 3, host: 8 } });
const claim = (acknowledged: 'Serving' | 'Stopped' | 'Empty', revision = draining.revision) => ({
  name: 'net',
  uid: 'u1',
  hostIndex: 0,
  revision,
  acknowledged,
});

describe('deletion of a network', () => {
  it('first tells every host to stop, under a revision that stands in the ledger first', () => {
    const step = drainStep('u1', [host('a', { published: published(), entry })], false);
    expect(step.phase).toBe('Stopping');
    expect(step.bump).toEqual([{ ...entry, revision: 8 }]);
    expect(step.publish.get('a')).toEqual(draining);
  });

  it('does not raise again what was raised before a restart, nor what is published', () => {
    const raised = { ...entry, revision: 8 };
    const step = drainStep('u1', [host('a', { published: published(), entry: raised })], false);
    expect(step.bump).toEqual([]);
    expect(step.publish.get('a')).toEqual(draining);
    const again = drainStep('u1', [host('a', { published: draining, entry: raised })], false);
    expect(again.bump).toEqual([]);
    expect(again.publish.get('a')).toBe(draining);
  });

  it('goes above a revision that a daemon serves but the ledger has lost', () => {
    const serving = claim('Serving', { network: 9, host: 20 });
    const step = drainStep('u1', [host('a', { published: draining, entry, claim: serving })], false);
    expect(step.publish.get('a')?.revision).toEqual({ network: 9, host: 21 });
    expect(step.bump).toEqual([{ ...entry, revision: 21 }]);
  });

  it.each([
    ['says Stopped', { claim: claim('Stopped') }],
    ['still serves', { claim: claim('Serving') }],
    ['says Empty of an older revision', { claim: claim('Empty', { network: 3, host: 7 }) }],
    ['says Empty of a namesake', { claim: { ...claim('Empty'), uid: 'u0' } }],
    ['says nothing', {}],
    ['has a pool with addresses', { claim: claim('Empty'), pools: [{ name: 'p', allocated: 1 }] }],
  ])('waits for a host that %s', (_, more) => {
    expect(drainStep('u1', [host('a', { published: draining, ...more })], false).phase).toBe('Stopping');
  });

  it('withdraws the blocks when all are empty, all at once', () => {
    const empty = host('a', { published: draining, claim: claim('Empty'), pools: [{ name: 'p', allocated: 0 }] });
    const step = drainStep('u1', [empty, host('b')], false);
    expect(step).toMatchObject({ phase: 'Withdrawing', bump: [], deletePools: [] });
    expect(step.publish.size).toBe(0);
  });

  it('removes the objects only when no daemon knows the network any more', () => {
    expect(drainStep('u1', [host('a', { claim: claim('Empty') })], false).phase).toBe('Withdrawing');
    expect(drainStep('u1', [host('a', { pools: [{ name: 'p', allocated: 0 }] })], false).phase).toBe('Withdrawing');
    expect(drainStep('u1', [host('a')], false).phase).toBe('Removing');
    expect(drainStep('u1', [], false).phase).toBe('Removing');
  });

  it('a host whose Node is gone holds nothing up; its pools are deleted', () => {
    const dead = host('a', {
      nodeExists: false,
      published: published(),
      claim: claim('Serving'),
      pools: [{ name: 'p', allocated: 4 }],
    });
    expect(drainStep('u1', [dead], false)).toMatchObject({ phase: 'Withdrawing', deletePools: ['p'] });
    const { published: _, ...withdrawn } = { ...dead, pools: [] };
    expect(drainStep('u1', [withdrawn], false).phase).toBe('Removing');
  });

  it('forced, waits for nobody but takes the blocks away first', () => {
    const busy = host('a', { published: published(), claim: claim('Serving'), attachments: 3 });
    expect(drainStep('u1', [busy], true).phase).toBe('Withdrawing');
    const { published: _, ...withdrawn } = busy;
    expect(drainStep('u1', [withdrawn], true).phase).toBe('Removing');
  });

  it('says what it waits for', () => {
    const step = drainStep(
      'u1',
      [
        host('a', { published: draining, attachments: 2 }),
        host('b', { published: draining, attachments: 1 }),
        host('c', { published: draining }),
      ],
      false,
    );
    expect(step.message).toBe(
      '3 attachments still there: a (2), b (1); delete their pods; waits for the daemon of c to say that it is empty',
    );
    expect(listed(['g', 'f', 'e', 'd', 'c', 'b', 'a'])).toBe('a, b, c, d, e and 2 more');
  });

  it('ends, whatever the order in which hosts empty and the operator is restarted', () => {
    const action = fc.record({ host: fc.nat(2), detach: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        interface Sim {
          published: PublishedNetwork | undefined;
          ledger: number;
          claim: ReturnType<typeof claim> | undefined;
          pods: number;
        }
        const sims: Sim[] = [0, 1, 2].map((pods) => ({
          published: published(),
          ledger: 7,
          claim: claim('Serving', { network: 3, host: 7 }),
          pods,
        }));
        const view = (): DrainHost[] =>
          sims.map((sim, i) => ({
            hostName: String(i),
            nodeExists: true,
            ...(sim.published && { published: sim.published }),
            ...(sim.claim && { claim: sim.claim, pools: [{ name: String(i), allocated: sim.pods }] }),
            entry: { hostIndex: i, hostName: String(i), revision: sim.ledger },
            pools: sim.claim ? [{ name: String(i), allocated: sim.pods }] : [],
            attachments: sim.pods,
          }));
        const operate = (): string => {
          const step = drainStep('u1', view(), false);
          if (sims.some((sim) => sim.pods > 0)) expect(step.phase).toBe('Stopping');
          for (const raised of step.bump) {
            const sim = sims[raised.hostIndex];
            if (sim !== undefined) sim.ledger = raised.revision;
          }
          sims.forEach((sim, i) => {
            const next = step.publish.get(String(i));
            // No revision is published that the ledger does not have.
            if (next !== undefined) expect(next.revision.host).toBeLessThanOrEqual(sim.ledger);
            sim.published = next;
          });
          return step.phase;
        };
        const daemon = (sim: Sim): void => {
          const own = sim.published;
          if (own === undefined) {
            if (sim.pods === 0) sim.claim = undefined;
            return;
          }
          const state = own.draining !== true ? 'Serving' : sim.pods > 0 ? 'Stopped' : 'Empty';
          sim.claim = claim(state, own.revision);
        };
        for (const { host: i, detach } of actions) {
          operate();
          const sim = sims[i];
          if (sim === undefined) continue;
          if (detach) sim.pods = Math.max(0, sim.pods - 1);
          daemon(sim);
        }
        for (const sim of sims) sim.pods = 0;
        let phase = '';
        for (let round = 0; round < 6 && phase !== 'Removing'; round++) {
          phase = operate();
          sims.forEach(daemon);
        }
        expect(phase).toBe('Removing');
      }),
    );
  });
});
