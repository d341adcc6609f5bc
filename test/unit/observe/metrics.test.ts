import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { aimOf } from '../../../src/observe/api-metrics.ts';
import { createDaemonMetrics } from '../../../src/observe/daemon-metrics.ts';
import { createOperatorMetrics } from '../../../src/observe/operator-metrics.ts';
import { seriesOf, valueOf } from '../../support/metrics.ts';

const call = { method: 'GET', path: '/api/v1/nodes', watch: false, code: 200, ms: 3 };

function operator(leading: boolean, networks: readonly MultiNicNetwork[]) {
  const metrics = createOperatorMetrics();
  metrics.follow(() => ({ leading, networks, queues: new Map([['network', 2]]), events: 1 }));
  metrics.apiCall(call);
  metrics.apiCall({ ...call, watch: true });
  metrics.apiCall({ ...call, watch: true });
  metrics.reconciled('network', 'ok', 0.01);
  return metrics;
}

function daemon() {
  const metrics = createDaemonMetrics();
  metrics.apiCall(call);
  metrics.apiCall({ ...call, watch: true });
  metrics.apiCall({ ...call, watch: true });
  metrics.cniCall('ADD', 'ok', 0.02);
  metrics.follow(() =>
    Promise.resolve({
      ready: true,
      busy: 1,
      nics: [
        { name: 'eth1', up: true },
        { name: 'eth2', up: false },
      ],
      lent: 1,
      attachments: new Map([['net', 3]]),
      pools: [{ network: 'net', nic: 'eth1', held: 3, resting: 2, capacity: 254n }],
      routes: new Map([['net', 0]]),
      spool: { waiting: 4, replayed: 5, failed: 6 },
    }),
  );
  return metrics;
}

const network = (name: string, reason: string): MultiNicNetwork => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'MultiNicNetwork',
  metadata: { name },
  status: {
    hosts: 2,
    attachments: 5,
    conditions: [
      {
        type: 'Ready',
        status: reason === 'Ready' ? 'True' : 'False',
        reason,
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ],
  },
});

describe('metrics', () => {
  it.each([
    ['GET', '/api/v1/nodes', false, 'list', 'nodes'],
    ['GET', '/api/v1/nodes', true, 'watch', 'nodes'],
    ['GET', '/apis/multinic.fms.io/v1/cidrs/net', false, 'get', 'cidrs'],
    ['PUT', '/apis/multinic.fms.io/v1/multinicnetworks/net/status', false, 'update', 'multinicnetworks/status'],
    ['POST', '/api/v1/namespaces/default/events', false, 'create', 'events'],
    ['PATCH', '/api/v1/namespaces/default/events/net.1', false, 'patch', 'events'],
    ['GET', '/api/v1/namespaces', false, 'list', 'namespaces'],
    ['GET', '/api/v1/namespaces/default', false, 'get', 'namespaces'],
    ['GET', '/version', false, 'get', ''],
  ])('%s %s (watch: %s) is %s %s', (method, path, watch, verb, resource) => {
    expect(aimOf({ method, path, watch })).toEqual({ verb, resource });
  });

  it('count a watch that is opened again, not the first', async () => {
    const series = seriesOf(await operator(true, []).text());
    expect(valueOf(series, 'multinic_watch_restarts_total', { resource: 'nodes' })).toBe(1);
    expect(valueOf(series, 'multinic_api_calls_total', { verb: 'watch', resource: 'nodes', code: '200' })).toBe(2);
  });

  it('of a leader tell of the networks as they are now, of a follower nothing', async () => {
    const networks = [network('a', 'Ready'), network('b', 'NoHosts'), network('c', 'Ready')];
    const metrics = operator(true, networks);
    const before = seriesOf(await metrics.text());
    expect(valueOf(before, 'multinic_networks', { condition: 'Ready', status: 'True', reason: 'Ready' })).toBe(2);
    expect(valueOf(before, 'multinic_network_ready', { network: 'b' })).toBe(0);
    expect(valueOf(before, 'multinic_network_attachments', { network: 'a' })).toBe(5);
    networks.shift();
    const after = seriesOf(await metrics.text());
    expect(valueOf(after, 'multinic_networks', { condition: 'Ready', status: 'True' })).toBe(1);
    expect(valueOf(after, 'multinic_network_ready', { network: 'a' })).toBeUndefined();

    const follower = seriesOf(await operator(false, networks).text());
    expect(valueOf(follower, 'multinic_leader')).toBe(0);
    expect(valueOf(follower, 'multinic_network_ready')).toBeUndefined();
  });

  it('of a daemon tell what its blocks hold; a verb that is none makes no series of its own', async () => {
    const metrics = daemon();
    metrics.cniCall('rm -rf', '4', 0.1);
    const series = seriesOf(await metrics.text());
    const addresses = (state: string) =>
      valueOf(series, 'multinic_pool_addresses', { network: 'net', nic: 'eth1', state });
    expect(['held', 'resting', 'free'].map(addresses)).toEqual([3, 2, 249]);
    expect(valueOf(series, 'multinic_cni_call_seconds_count', { verb: 'other', outcome: '4' })).toBe(1);
    expect(valueOf(series, 'multinic_spool_entries')).toBe(4);
    expect(['eth1', 'eth2'].map((nic) => valueOf(series, 'multinic_nic_up', { nic }))).toEqual([1, 0]);
  });
});

describe('docs/metrics.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const tables = new Map(
    page.split(/^## /m).map((part) => [
      part.slice(0, part.indexOf('\n')),
      [...part.matchAll(/^\| `(multinic_\w+)` \|(.*?)\|/gm)].map(([, name, labels = '']) => {
        const sorted = labels
          .trim()
          .split(', ')
          .filter((label) => label !== '')
          .sort();
        return `${name} ${sorted.join()}`;
      }),
    ]),
  );

  /** Names with their labels, as a full exposition has them. */
  function served(text: string): string[] {
    const found = seriesOf(text)
      .filter(({ name }) => name.startsWith('multinic_'))
      .map(({ name, labels }) => {
        const { le: _, ...own } = labels;
        return `${name.replace(/_(bucket|sum|count)$/, '')} ${Object.keys(own).sort().join()}`;
      });
    return [...new Set(found)].sort();
  }

  it.each([
    ['Operator', async () => operator(true, [network('a', 'Ready')]).text()],
    ['Daemon', async () => daemon().text()],
  ] as const)('has every metric of the %s with its labels, and no others', async (name, text) => {
    expect(served(await text())).toEqual([...(tables.get('Both') ?? []), ...(tables.get(name) ?? [])].sort());
  });

  it('names only metrics that there are where it says what to alert on', () => {
    const known = [...tables.values()].flat().map((row) => row.split(' ')[0]);
    const alerts = page.slice(page.indexOf('## What to alert on')).match(/multinic_\w+/g) ?? [];
    expect(alerts.length).toBeGreaterThan(5);
    expect(alerts.filter((name) => !known.includes(name.replace(/_(bucket|count)$/, '')))).toEqual([]);
  });
});
