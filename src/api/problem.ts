/** One thing that is wrong with an input: where, and what to do about it. */
export interface Problem {
  /** Field path as kubectl prints it, for example `spec.plugin.args.mode`. */
  readonly path: string;
  readonly message: string;
}

/** What a gate returns: a trusted value, or everything that is wrong with the input. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };
