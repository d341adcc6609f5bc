import type { CniVersion } from '../../src/cni/types.ts';

export type Json = Readonly<Record<string, unknown>>;

/** Networks that a check may want: the usual one, two that a GC may empty, one with two addresses on its first NIC. */
export type NetworkName = 'usual' | 'first' | 'second' | 'tiny';

/** What a check may ask of a configuration. */
export interface ConfigWish {
  readonly network?: NetworkName;
  /** How many NICs, where the plugin makes several. */
  readonly nics?: number;
}

/** The plugin that the subject runs for each NIC, or for its addresses. */
export interface DelegateInfo {
  /** Name of its binary. */
  readonly type: string;
  readonly kind: 'main' | 'ipam';
  /** Folder in which the real one is. */
  readonly folder: string;
}

/** What only a plugin with a daemon has. */
export interface DaemonInfo {
  /** Words before a command that hide the daemon's socket from it. */
  readonly hidden: readonly string[];
  /** The program with short limits for a daemon that is away. */
  readonly impatient: string;
  /** What the daemon has logged. */
  log(): string;
}

/** The plugin under test. */
export interface Subject {
  readonly name: string;
  /** Path on the host. */
  readonly program: string;
  /** Of the five versions, those that it speaks. */
  readonly versions: readonly CniVersion[];
  /** Directories of CNI_PATH. */
  readonly path: readonly string[];
  /** Whether it makes several interfaces when asked to. */
  readonly several: boolean;
  readonly delegate?: DelegateInfo;
  readonly daemon?: DaemonInfo;
  /** The network configuration, complete but for cniVersion. @throws NotApplicable when there is no such network for it */
  config(version: CniVersion, wish: ConfigWish): Json;
  /** An address of the network `second`, on its first NIC, that nobody has had: each time another. */
  readonly freshAddress?: () => string;
  /** What its books hold for a container: one text for each address or record; undefined when it has no books to look into. */
  held(containerID: string): Promise<readonly string[] | undefined>;
}
