import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scrape, valueOf } from '../../support/metrics.ts';
import { type Site, startSite } from '../../support/operator/site.ts';

let site: Site;

beforeEach(async () => {
  site = await startSite();
});
afterEach(() => site.close());

const operator = (): ChildProcess =>
  site.clients.operator('--leader-elect-namespace', 'default', '--health-listen', '127.0.0.1:0');

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('close', (code) => resolve(code)));
}

/** What probes and Prometheus see of a leader. */
async function expectHealth(base: string): Promise<void> {
  for (const path of ['/healthz', '/readyz']) {
    const answer = await fetch(`${base}${path}`);
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, 'ok']);
  }
  // What it wrote last comes back to it by its watches, and is looked at once more.
  await site.world.until(async () => expectSeries(await scrape(base)));
  expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status).toBe(404);
}

function expectSeries(series: Awaited<ReturnType<typeof scrape>>): void {
  expect(valueOf(series, 'multinic_leader')).toBe(1);
  expect(valueOf(series, 'multinic_network_ready', { network: 'multi-nic-sample' })).toBe(1);
  expect(valueOf(series, 'multinic_network_hosts', { network: 'multi-nic-sample' })).toBe(3);
  expect(
    valueOf(series, 'multinic_api_calls_total', { verb: 'watch', resource: 'nodes', code: '200' }),
  ).toBeGreaterThan(0);
  expect(valueOf(series, 'multinic_reconciles_total', { controller: 'network', result: 'ok' })).toBeGreaterThan(0);
  for (const controller of ['network', 'host', 'namespace', 'config']) {
    expect(valueOf(series, 'multinic_queue_depth', { controller }), controller).toBe(0);
  }
}

it('the command: apply and wait by kubectl, kill -9 in the middle, restart, health and metrics, delete, SIGTERM', async (ctx) => {
  const { world, hosts, clients } = site;
  if (!(await clients.hasKubectl())) ctx.skip('no kubectl on the PATH');
  const { kubectl } = clients;
  for (const name of ['host-a', 'host-b', 'host-c']) await hosts.join(name, [1, 2]);
  const first = operator();
  await kubectl('apply', '-f', 'examples/quickstart/network.yaml');
  // In the middle: the ledger is there, whatever else.
  await world.until(async () => expect(await world.cidr('multi-nic-sample')).toBeDefined());
  first.kill('SIGKILL');
  await ended(first);

  const second = operator();
  let log = '';
  second.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const network = 'multinicnetwork/multi-nic-sample';
  await kubectl('wait', '--for=condition=Ready', '--timeout=180s', network);
  expect(await kubectl('get', network)).toMatch(/True +Ready +192\.168\.0\.0\/16 +3 +2 +0/);
  await expectHealth(/"at":"(http:[^"]+)"/.exec(log)?.[1] ?? '');
  await kubectl('delete', network, '--timeout=180s');
  expect(await world.nads()).toEqual([]);

  second.kill('SIGTERM');
  expect(await ended(second)).toBe(0);
  expect(log).not.toContain('"level":"error"');
});
