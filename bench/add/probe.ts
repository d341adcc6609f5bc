import { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';

/**
 * Loaded into the daemon before anything else (`node --import`). For each request it adds a line to the file that MULTINIC_BENCH_PROBE
 * names: verb, ms from request to answer, and ms of it in which no program that the daemon started was running.
 */
const file = process.env['MULTINIC_BENCH_PROBE'] ?? '';
if (file === '') throw new Error('MULTINIC_BENCH_PROBE names no file');

let running = 0;
let busyMs = 0;
let since = 0;

subscribe('child_process', (message) => {
  const child = field(message, 'process');
  if (!(child instanceof ChildProcess)) return;
  const start = performance.now();
  // Its arguments are known once spawn() has gone on.
  queueMicrotask(() => {
    // Runs all the time, and nobody waits for it.
    if (child.spawnargs.includes('monitor')) return;
    if (running === 0) since = start;
    running += 1;
    child.once('close', () => {
      running -= 1;
      if (running === 0) busyMs += performance.now() - since;
    });
  });
});

const started = new WeakMap<IncomingMessage, { readonly at: number; readonly busyMs: number }>();
subscribe('http.server.request.start', (message) => {
  const request = field(message, 'request');
  if (request instanceof IncomingMessage) started.set(request, { at: performance.now(), busyMs });
});
subscribe('http.server.response.finish', (message) => {
  const request = field(message, 'request');
  const begin = request instanceof IncomingMessage ? started.get(request) : undefined;
  if (!(request instanceof IncomingMessage) || begin === undefined) return;
  const ms = performance.now() - begin.at;
  appendFileSync(file, `${String(request.headers['cni-command'])} ${ms} ${ms - (busyMs - begin.busyMs)}\n`);
});

function field(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, name) : undefined;
}
