import { describe, expect, it } from 'vitest';
import type { Condition } from '../../../src/api/meta.ts';
import { newsOf } from '../../../src/operator/status/news.ts';

const condition = (
  type: string,
  status: 'True' | 'False',
  reason: string,
  message = reason,
  generation = 1,
): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  observedGeneration: generation,
});

const ready = [
  condition('Accepted', 'True', 'Accepted'),
  condition('Planned', 'True', 'Planned'),
  condition('Ready', 'True', 'Ready', '3 hosts, 2 NIC networks'),
];
const waiting = (message: string, generation = 1): Condition[] => [
  condition('Accepted', 'True', 'Accepted', 'Accepted', generation),
  condition('Planned', 'False', 'WaitingForHosts', message, generation),
  condition('RoutesReady', 'False', 'NotPlanned', 'host routes follow the plan', generation),
  condition('Ready', 'False', 'WaitingForHosts', message, generation),
];
const refused = (message: string, generation = 1): Condition[] => [
  condition('Accepted', 'False', 'Invalid', message, generation),
  condition('Planned', 'False', 'NotAccepted', 'the spec is refused', generation),
  condition('Ready', 'False', 'Invalid', message, generation),
];

describe('news of a change of conditions', () => {
  it('warns of what does not hold, once, and not of what only follows from it', () => {
    expect(newsOf(ready, refused('spec.subnet: no'))).toEqual([
      { type: 'Warning', reason: 'Invalid', message: 'spec.subnet: no' },
    ]);
    expect(newsOf(undefined, refused('spec.subnet: no'))).toHaveLength(1);
  });

  it('tells Ready when it becomes so, and not when only its counts change', () => {
    expect(newsOf(waiting('host-a'), ready)).toEqual([
      { type: 'Normal', reason: 'Ready', message: '3 hosts, 2 NIC networks' },
    ]);
    const more = [...ready.slice(0, 2), condition('Ready', 'True', 'Ready', '4 hosts, 2 NIC networks', 2)];
    expect(newsOf(ready, more)).toEqual([]);
  });

  it('tells what is under way without a warning, once for all that it says along the way', () => {
    expect(newsOf(undefined, waiting('host-a, host-b'))).toEqual([
      { type: 'Normal', reason: 'WaitingForHosts', message: 'host-a, host-b' },
    ]);
    expect(newsOf(waiting('host-a, host-b'), waiting('host-b'))).toEqual([]);
    const draining = ['Planned', 'NetworksReady', 'Ready'].map((type) =>
      condition(type, 'False', 'Draining', '2 left'),
    );
    expect(newsOf(ready, draining)).toEqual([{ type: 'Normal', reason: 'Draining', message: '2 left' }]);
  });

  it('of an unchanged condition there is none; another message is news for another spec', () => {
    expect(newsOf(refused('spec.subnet: no'), refused('spec.subnet: no'))).toEqual([]);
    expect(newsOf(refused('spec.subnet: no'), refused('spec.subnet: no', 2))).toEqual([]);
    expect(newsOf(refused('spec.subnet: no'), refused('spec.plugin: no', 2))).toEqual([
      { type: 'Warning', reason: 'Invalid', message: 'spec.plugin: no' },
    ]);
  });

  it('leaves Ready alone that falls back on a condition that was told before', () => {
    const both = (planned: Condition, summary: string): Condition[] => [
      planned,
      condition('RoutesReady', 'False', 'OutOfSync', 'host-a'),
      condition('Ready', 'False', summary),
    ];
    const before = both(condition('Planned', 'False', 'WaitingForHosts'), 'WaitingForHosts');
    expect(newsOf(before, both(condition('Planned', 'True', 'Planned'), 'OutOfSync'))).toEqual([]);
  });

  it('of a Config: Ready has reasons of its own', () => {
    const config = (reason: string): Condition[] => [
      condition('Accepted', 'True', 'Accepted'),
      condition('Ready', 'False', reason),
    ];
    expect(newsOf(undefined, config('ForeignDaemonSet'))).toMatchObject([{ type: 'Warning' }]);
    expect(newsOf(config('ForeignDaemonSet'), config('RollingOut'))).toMatchObject([{ type: 'Normal' }]);
  });
});
