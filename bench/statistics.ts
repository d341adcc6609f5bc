/** What a set of measured times says; in the unit of its samples. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/** The middle sample, or the mean of the two in the middle. @throws RangeError when there is none */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('no samples, no median');
  return (lower + upper) / 2;
}

export function spread(samples: readonly number[]): Spread {
  return { median: median(samples), min: Math.min(...samples), max: Math.max(...samples), count: samples.length };
}

/**
 * How many times longer `ours` takes than `peer`: the median of the ratios of samples taken in the same round, so that a slow
 * moment of the machine hits both sides of a ratio. @throws RangeError when the rounds do not match
 */
export function ratio(ours: readonly number[], peer: readonly number[]): number {
  if (ours.length !== peer.length) throw new RangeError(`${ours.length} rounds against ${peer.length}`);
  return median(ours.map((sample, round) => sample / (peer[round] ?? Number.NaN)));
}

/** Rounded to a number of significant digits, for people and JSON. */
export function round(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
