import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Call, CniResult } from '../../../src/cni/types.ts';
import type { Cooldown, Step } from '../../../src/daemon/attach/deps.ts';
import type { CallLimits } from '../../../src/daemon/attach/limits.ts';
import type { Collected } from '../../../src/daemon/attach/undo/collect.ts';
import type { Recovery } from '../../../src/daemon/attach/undo/recover.ts';
import type { PoolUse } from '../../../src/daemon/publish/ip-pool.ts';
import type { DeviceFacts } from '../../../src/nic/nic.ts';
import type { StoreState } from '../../../src/store/open.ts';
import type { AttachmentRecord } from '../../../src/store/types.ts';
import { decode, encode } from './json.ts';

export interface HarnessOptions {
  readonly stateDir: string;
  readonly socket: string;
  /** As src/daemon/plan/codec.ts prints them. */
  readonly plans: string;
  readonly cooldown: Cooldown;
  readonly limits?: CallLimits;
  readonly delegateTimeoutMs?: number;
  /** What sysfs would say of NICs, by name. */
  readonly devices?: Readonly<Record<string, Partial<DeviceFacts>>>;
  /** What sysfs says besides, by path. */
  readonly sysfs?: Readonly<Record<string, string>>;
  /** kubelet's PodResources socket. */
  readonly podResources?: string;
  /** Another boot than the real one. */
  readonly bootId?: string;
  /** Where the process kills itself: at the n-th passing of a step, from 1, while it recovers or when it serves. */
  readonly killAt?: { readonly step: Step; readonly occurrence: number; readonly phase: 'recovering' | 'serving' };
  /** As of the daemon; `direct` unless told. */
  readonly executor?: 'direct' | 'delegates';
  readonly verbose?: boolean;
}

export interface HarnessState {
  readonly counts: Readonly<Record<string, number>>;
  readonly records: readonly AttachmentRecord[];
  readonly pools: readonly (PoolUse & { readonly network: string; readonly interfaceIndex: number })[];
}

/** What the engine refused, as it came over the socket; code 0 is an error that is no CniError. */
export class Refused extends Error {
  readonly code: number;
  readonly details: string;
  constructor(code: number, message: string, details: string) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export interface Harness {
  /** Of its process. */
  readonly pid: number;
  readonly state: StoreState;
  readonly recovery: Recovery;
  call(call: Call, signal?: AbortSignal): Promise<CniResult | undefined>;
  look(): Promise<HarnessState>;
  setPlans(plans: string): Promise<void>;
  setReady(ready: true | string): Promise<void>;
  /** As of HarnessOptions, from now on. */
  killAt(place: NonNullable<HarnessOptions['killAt']>): Promise<void>;
  retry(): Promise<readonly string[]>;
  /** As the daemon does when links have changed. */
  settleLent(): Promise<readonly string[]>;
  /** One look for what is abandoned; pods (by name) that the API does not have, or `error`: it does not answer. */
  collect(gone: readonly string[] | 'error'): Promise<Collected>;
  /** Resting addresses rest no more. */
  expire(): Promise<void>;
  /** SIGKILL, unless it is gone already; resolves when it is. */
  kill(): Promise<void>;
  readonly ended: Promise<unknown>;
}

/** Starts the harness in a host's network namespace and waits until it serves. */
export async function startHarness(host: string, options: HarnessOptions): Promise<Harness> {
  rmSync(options.socket, { force: true });
  const file = `${options.stateDir}/options.json`;
  writeFileSync(file, encode(options));
  const program = fileURLToPath(new URL('./harness.ts', import.meta.url));
  const child = spawn('nsenter', [`--net=${host}`, process.execPath, program, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const started = decode<{ state: StoreState; recovery: Recovery }>(await firstLine(child));
  const ask = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
    post(options.socket, path, body, signal);
  return {
    ...started,
    pid: child.pid ?? 0,
    ended,
    call: (call, signal) => ask('/call', call, signal),
    look: () => ask('/state', null),
    setPlans: (plans) => ask('/plans', plans),
    setReady: (ready) => ask('/ready', ready),
    killAt: (place) => ask('/kill-at', place),
    retry: () => ask('/retry', null),
    settleLent: () => ask('/settle', null),
    collect: (gone) => ask('/collect', gone),
    expire: () => ask('/expire', null),
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  while (!output.includes('\n')) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`harness ended: ${child.exitCode} ${child.signalCode}`);
    await Promise.race([once(child.stdout ?? child, 'data'), once(child, 'exit')]);
  }
  return output.slice(0, output.indexOf('\n'));
}

async function post<T>(socketPath: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const sent = request({ socketPath, path, method: 'POST', agent: false, ...(signal && { signal }) }, (response) => {
    text(response).then(resolve, reject);
  });
  sent.on('error', reject);
  sent.end(encode(body));
  const answer = decode<{ value: T; error?: { code: number; message: string; details: string } }>(await promise);
  if (answer.error !== undefined) throw new Refused(answer.error.code, answer.error.message, answer.error.details);
  return answer.value;
}
