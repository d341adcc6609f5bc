import type { LinkKind } from '../../api/network.ts';

/** The last line of `--json`. Times in seconds; null is what a kept lab cannot say. */
export interface Report {
  readonly hosts: number;
  readonly nics: number;
  /** On each host. */
  readonly pods: number;
  readonly interfacesPerPod: number;
  readonly pings: { readonly sent: number; readonly received: number };
  readonly apiCallsDuringAttach: number;
  readonly apiCallsDuringDetach: number | null;
  readonly leftovers: number | null;
  readonly plugin: LinkKind;
  readonly seconds: {
    readonly setup: number;
    readonly cluster: number;
    readonly plan: number;
    readonly attach: number;
    readonly ping: number;
    readonly teardown: number;
    /** Pods attached and detached with the API server stopped. */
    readonly offline: number;
  };
  readonly mode: string;
  readonly kernel: string;
  /** Writes of IPPools and HostInterfaces while pods were attached and detached. */
  readonly publishWrites: number;
  /** ADDs and DELs that succeeded while the API server was stopped. */
  readonly stoppedApi: { readonly adds: number; readonly dels: number };
  /** Why the exit status is not 0. */
  readonly problems: readonly string[];
}

export type Phase = keyof Report['seconds'];

/** Adds up the seconds of phases. */
export interface Stopwatch {
  measure<T>(phase: Phase, work: () => Promise<T>): Promise<T>;
  seconds(): Report['seconds'];
}

export function createStopwatch(setup: number): Stopwatch {
  const sums = { setup, cluster: 0, plan: 0, attach: 0, ping: 0, offline: 0, teardown: 0 };
  return {
    async measure(phase, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        sums[phase] += (performance.now() - start) / 1000;
      }
    },
    seconds() {
      const round = (value: number) => Math.round(value * 100) / 100;
      const { setup, cluster, plan, attach, ping, teardown, offline } = sums;
      return {
        setup: round(setup),
        cluster: round(cluster),
        plan: round(plan),
        attach: round(attach),
        ping: round(ping),
        teardown: round(teardown),
        offline: round(offline),
      };
    },
  };
}
