import { CniError } from '../api/cni-error.ts';
import { parseCall } from '../cni/call.ts';
import { statedVersion } from '../cni/config.ts';
import { printError } from '../cni/error.ts';
import { printResult } from '../cni/result.ts';
import type { Call, CniResult, RawCall } from '../cni/types.ts';
import { decodeCall, type WireHeaders } from '../cni/wire.ts';
import type { DaemonMetrics } from '../observe/daemon-metrics.ts';
import type { Logger } from '../observe/logger.ts';
import type { CniAnswer } from './http/socket-app.ts';

/** Carries out a call behind the gate: the result of ADD, undefined for the other verbs; throws CniError. */
export type Carry = (call: Call, callerGone: AbortSignal, callerMs?: number) => Promise<CniResult | undefined>;

export interface CniHandler {
  /** A request on the socket. */
  request(headers: WireHeaders, stdin: Buffer, callerGone: AbortSignal): Promise<CniAnswer>;
  /** A call from the spool; throws what the call throws. */
  replay(raw: RawCall): Promise<void>;
}

/** Turns what the shim sends into calls, and what they come to into what the shim prints. */
export function createCniHandler(carry: Carry, metrics: DaemonMetrics, log: Logger): CniHandler {
  const carryOut = async (raw: RawCall, callerGone: AbortSignal, callerMs?: number): Promise<string> => {
    const started = performance.now();
    const verb = raw.environment['CNI_COMMAND'] ?? '';
    const fields = {
      verb,
      container: raw.environment['CNI_CONTAINERID'],
      ifname: raw.environment['CNI_IFNAME'],
    };
    const seconds = (): number => (performance.now() - started) / 1000;
    try {
      const call = parseCall(raw);
      const result = await carry(call, callerGone, callerMs);
      metrics.cniCall(verb, 'ok', seconds());
      const ms = Math.round(seconds() * 1000);
      // Behind the answer: nobody waits for the line.
      setImmediate(() => log.info({ ...fields, network: call.conf.name, ms }, 'done'));
      return result === undefined ? '' : printResult(result, call.conf.cniVersion);
    } catch (error) {
      metrics.cniCall(verb, error instanceof CniError ? String(error.code) : 'internal', seconds());
      const text = error instanceof CniError ? { code: error.code, err: error.message } : { err: error };
      log.warn({ ...fields, ...text }, 'refused');
      throw error;
    }
  };
  return {
    async request(headers, stdin, callerGone) {
      try {
        const raw = decodeCall(headers, stdin);
        return { ok: true, body: await carryOut(raw, callerGone, raw.timeoutMs) };
      } catch (error) {
        return { ok: false, body: printError(error, statedVersion(stdin.toString('utf8'))) };
      }
    },
    async replay(raw) {
      await carryOut(raw, new AbortController().signal);
    },
  };
}
