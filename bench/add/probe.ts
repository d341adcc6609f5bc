import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';

/**
 * Loaded into the daemon before anything else (`node --import`). For each request it adds a line to the file that MULTINIC_BENCH_PROBE
 * names: verb, ms from request to answer, ms of it in which no program that the daemon had started was running, number of programs.
 */
const file = process.env['MULTINIC_BENCH_PROBE'] ?? '';
if (file === '') throw new Error('MULTINIC_BENCH_PROBE names no file');

let running = 0;
let programs = 0;
let busyMs = 0;
let since = 0;

subscribe('multinic.program', (message) => {
  if (field(message, 'what') === 'start') {
    if (running === 0) since = performance.now();
    running += 1;
    programs += 1;
    return;
  }
  running -= 1;
  if (running === 0) busyMs += performance.now() - since;
});

/** ms in which programs ran, until now. */
function busyUntilNow(): number {
  return running === 0 ? busyMs : busyMs + performance.now() - since;
}

const started = new WeakMap<
  IncomingMessage,
  { readonly at: number; readonly busyMs: number; readonly programs: number }
>();
subscribe('http.server.request.start', (message) => {
  const request = field(message, 'request');
  if (request instanceof IncomingMessage)
    started.set(request, { at: performance.now(), busyMs: busyUntilNow(), programs });
});
subscribe('http.server.response.finish', (message) => {
  const request = field(message, 'request');
  const begin = request instanceof IncomingMessage ? started.get(request) : undefined;
  if (!(request instanceof IncomingMessage) || begin === undefined) return;
  const ms = performance.now() - begin.at;
  const verb = String(request.headers['cni-command']);
  appendFileSync(file, `${verb} ${ms} ${ms - (busyUntilNow() - begin.busyMs)} ${programs - begin.programs}\n`);
});

function field(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined;
}
