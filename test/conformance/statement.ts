import type { CniVersion } from '../../src/cni/types.ts';
import type { Trial } from './trial.ts';

/** One numbered statement about a CNI plugin. */
export interface Statement {
  readonly id: number;
  readonly title: string;
  /** Configuration versions that it covers; empty: it is about no configuration, and tried once. */
  readonly versions: readonly CniVersion[];
  /** Nothing else runs beside it: it measures time, fills the machine, or sweeps networks that others use. */
  readonly alone?: true;
  /** All of them are tried, also those that the plugin does not claim to speak. */
  readonly everyVersion?: true;
  /** Tries it in one version. @throws Broken, NotApplicable, or any other error, which counts as broken */
  run(trial: Trial): Promise<void>;
}

/** The plugin does not hold the statement: what was done, what came back. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** The statement says nothing about this plugin, or cannot be tried on it. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable';
}

export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Broken(message);
}

/** Texts cut to what fits a line. */
export function short(text: string, length = 200): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > length ? `${line.slice(0, length)}…` : line;
}
