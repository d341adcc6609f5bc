import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';

/**
 * Loaded into the daemon before anything else (`node --import`). For each request it adds a line to the file that MULTINIC_BENCH_PROBE
 * names: the verb, then in ms: from request to answer; of it, in which no program that the daemon had started was running; of that, in
 * which the first turn of the disk was running; that turn; CPU of the daemon's thread; then the number of programs.
 */
const file = process.env['MULTINIC_BENCH_PROBE'] ?? '';
if (file === '') throw new Error('MULTINIC_BENCH_PROBE names no file');

/** Adds up the time in which at least one of something runs. */
class Clock {
  #running = 0;
  #since = 0;
  #ms = 0;
  starts = 0;
  change(what: unknown): void {
    if (what === 'start') {
      if (this.#running === 0) this.#since = performance.now();
      this.#running += 1;
      this.starts += 1;
      return;
    }
    this.#running -= 1;
    if (this.#running === 0) this.#ms += performance.now() - this.#since;
  }
  get ms(): number {
    return this.#running === 0 ? this.#ms : this.#ms + performance.now() - this.#since;
  }
}

const programs = new Clock();

/** One request at a time is measured: the last that began. */
interface Request {
  readonly at: number;
  readonly busyMs: number;
  readonly programs: number;
  readonly cpu: NodeJS.CpuUsage;
  /** The first turn of the disk: its start, and until when programs had been running by then. */
  disk?: { readonly at: number; readonly busyMs: number; ms?: number; aloneMs?: number };
}
let last: Request | undefined;
const started = new WeakMap<IncomingMessage, Request>();

subscribe('multinic.program', (message) => programs.change(field(message, 'what')));
subscribe('multinic.disk', (message) => {
  if (last === undefined) return;
  if (field(message, 'what') === 'start') {
    last.disk ??= { at: performance.now(), busyMs: programs.ms };
    return;
  }
  if (last.disk === undefined || last.disk.ms !== undefined) return;
  last.disk.ms = performance.now() - last.disk.at;
  last.disk.aloneMs = last.disk.ms - (programs.ms - last.disk.busyMs);
});
subscribe('http.server.request.start', (message) => {
  const request = field(message, 'request');
  if (!(request instanceof IncomingMessage)) return;
  const cpu = process.threadCpuUsage();
  last = { at: performance.now(), busyMs: programs.ms, programs: programs.starts, cpu };
  started.set(request, last);
});
subscribe('http.server.response.finish', (message) => {
  const request = field(message, 'request');
  const begin = request instanceof IncomingMessage ? started.get(request) : undefined;
  if (!(request instanceof IncomingMessage) || begin === undefined) return;
  const ms = performance.now() - begin.at;
  const own = ms - (programs.ms - begin.busyMs);
  const { user, system } = process.threadCpuUsage(begin.cpu);
  const cpu = (user + system) / 1000;
  const verb = String(request.headers['cni-command']);
  const { ms: diskMs = 0, aloneMs = 0 } = begin.disk ?? {};
  appendFileSync(file, `${[verb, ms, own, aloneMs, diskMs, cpu, programs.starts - begin.programs].join(' ')}\n`);
});

function field(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined;
}
