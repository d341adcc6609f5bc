import type { Dice } from '../../support/faults/random.ts';

/** What one operator of two suffers. */
export interface Fault {
  /** kill -9; SIGTERM; SIGSTOP, then SIGCONT; its connections reset and refused; nothing comes through to it or from it. */
  readonly kind: 'kill' | 'end' | 'stop' | 'reset' | 'silence';
  readonly whom: 'leader' | 'follower';
  /** ms until another is started, or until it goes on. */
  readonly forMs: number;
  /** ms before the next fault. */
  readonly thenMs: number;
}

/** Short ones end while the Lease still stands; long ones outlast it. */
const lengths = { short: [200, 4_000], long: [13_000, 16_000], restart: [0, 2_000] } as const;

const bag = [
  ...(['leader', 'leader', 'follower'] as const).flatMap((whom) => [
    { whom, kind: 'kill', length: 'restart' } as const,
    { whom, kind: 'end', length: 'restart' } as const,
  ]),
  ...(['leader', 'follower'] as const).flatMap((whom) => [
    { whom, kind: 'stop', length: 'short' } as const,
    { whom, kind: 'stop', length: 'long' } as const,
    { whom, kind: 'reset', length: 'short' } as const,
    { whom, kind: 'silence', length: 'long' } as const,
  ]),
];

/** Faults without end, at random; of each bag of them all, none comes twice. */
export function* drawFaults(dice: Dice): Generator<Fault, never> {
  for (;;) {
    const left = [...bag];
    while (left.length > 0) {
      const [drawn] = left.splice(dice.between(0, left.length - 1), 1);
      if (drawn === undefined) break;
      const { kind, whom, length } = drawn;
      yield { kind, whom, forMs: dice.between(lengths[length][0], lengths[length][1]), thenMs: dice.between(0, 3_000) };
    }
  }
}
