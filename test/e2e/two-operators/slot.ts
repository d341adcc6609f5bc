import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubeconfig } from '../../../src/lab/apiserver/kubeconfig.ts';
import type { Able } from '../../support/ledger/judges.ts';
import { type Candidate, startCandidate } from '../control-plane/operators.ts';
import { layWire, type Wire } from '../control-plane/wire.ts';
import type { Fault } from './faults.ts';

/** One of two places for an operator, with a line of its own to the API server; after it has ended another is started there. */
export interface Slot {
  readonly identity: string;
  /** A fault is under way. */
  readonly busy: boolean;
  /** Suffers it, and is well again when it resolves. */
  suffer(fault: Fault, until: AbortSignal): Promise<void>;
  /** While one of its operators could lead. */
  able(): Able[];
  close(): Promise<void>;
}

export interface SlotOptions {
  /** Begins the operators' identities. */
  readonly name: string;
  readonly dir: string;
  readonly server: string;
  readonly ca: string;
  readonly token: string;
  readonly args?: readonly string[];
}

/** Starts an operator, and waits until it campaigns. */
export async function startSlot(options: SlotOptions): Promise<Slot> {
  const { name, dir, server, ca, token, args = [] } = options;
  const wire: Wire = await layWire(server);
  const login = join(dir, `kubeconfig-${name}`);
  writeFileSync(login, kubeconfig({ url: wire.url, ca, user: 'operator', token }), { mode: 0o600 });
  const intervals: Able[] = [];
  const all: Candidate[] = [];
  let since: number | undefined;
  let busy = false;
  let candidate = await next();

  async function next(): Promise<Candidate> {
    const started = startCandidate(`${name}-${all.length}`, login, args);
    all.push(started);
    await started.campaigns;
    since = Date.now();
    return started;
  }
  function unable(): void {
    if (since !== undefined) intervals.push({ who: candidate.identity, from: since, to: Date.now() });
    since = undefined;
  }

  /** @throws Error when an operator that was asked to end does so with a failure */
  async function hit({ kind, forMs }: Fault, until: AbortSignal): Promise<void> {
    const wait = (): Promise<void> => sleep(forMs, undefined, { signal: until }).catch(() => undefined);
    unable();
    if (kind === 'kill' || kind === 'end') {
      candidate.process.kill(kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
      const code = await candidate.ended;
      if (kind === 'end' && code !== 0)
        throw new Error(`${candidate.identity} ended with ${code}: ${candidate.log().slice(-2000)}`);
      await wait();
      candidate = await next();
      return;
    }
    if (kind === 'stop') candidate.process.kill('SIGSTOP');
    else wire.cut(kind);
    await wait();
    if (kind === 'stop') candidate.process.kill('SIGCONT');
    else wire.mend();
    if (candidate.process.exitCode !== null)
      throw new Error(`${candidate.identity} ended: ${candidate.log().slice(-2000)}`);
    since = Date.now();
  }

  return {
    get identity() {
      return candidate.identity;
    },
    get busy() {
      return busy;
    },
    async suffer(fault, until) {
      busy = true;
      try {
        await hit(fault, until);
      } finally {
        busy = false;
      }
    },
    able: () => [
      ...intervals,
      ...(since === undefined ? [] : [{ who: candidate.identity, from: since, to: Date.now() }]),
    ],
    async close() {
      for (const { process } of all) process.kill('SIGKILL');
      await Promise.all(all.map(({ ended }) => ended));
      await wire.close();
    },
  };
}
