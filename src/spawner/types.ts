/** A program to run. Its stdin is the input, then closed; its outputs are pipes. */
export interface Program {
  /** A name without a slash is looked for in the PATH of `env`. Empty: nothing starts, files alone are written. */
  readonly argv: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  /** It leads a session and process group of its own, and kill() means the group. */
  readonly ownGroup?: boolean;
  /** Network namespace to run in, a path. */
  readonly netns?: string;
  /** Written there before it starts, one value a file, as far as there are such files: sysctls. */
  readonly files?: readonly (readonly [file: string, value: string])[];
}

/** What becomes of it; in this order, outputs in between. Nothing comes before launch() has returned. */
export interface ProgramEvents {
  /** It runs. */
  started?(pid: number): void;
  stdout(data: Buffer): void;
  stderr(data: Buffer): void;
  /** It ended; what it started may still hold its outputs open. */
  exited?(): void;
  /** It ended and its outputs are closed. The last event. */
  closed(status: number | NodeJS.Signals): void;
  /** It could not be started, or what watched it is gone. The last event. */
  failed(error: Error): void;
}

export interface Running {
  /** SIGKILL. */
  kill(): void;
  /** Its outputs are not read any more: it is closed as soon as it ends. */
  drop(): void;
}

/** Starts a program. */
export type Launch = (program: Program, events: ProgramEvents) => Running;
