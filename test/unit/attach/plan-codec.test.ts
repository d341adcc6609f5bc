import { expect, test } from 'vitest';
import { decodePlans, encodePlans } from '../../../src/daemon/plan/codec.ts';
import { planOf } from '../../support/serving/plan.ts';

const plan = planOf({ network: 'net-a', subnet: '192.168.0.0/16', nics: 2 });

test('a plan is read as it was written, with what it delegates to', () => {
  const device = { pluginType: 'host-device', binding: 'device', ipam: { kind: 'host-device' } } as const;
  const { mode: _mode, ...without } = plan;
  for (const one of [plan, { ...without, ...device }, { ...plan, sourceRouting: true }]) {
    expect(decodePlans(encodePlans([one]))).toEqual(new Map([['net-a', one]]));
  }
});

test('a plan that was cached before there were other plugins than ipvlan and macvlan still serves', () => {
  const { pluginType, binding: _binding, ipam: _ipam, ...rest } = JSON.parse(encodePlans([plan])).plans[0];
  const before = JSON.stringify({ format: 1, plans: [{ ...rest, linkKind: pluginType }] });
  expect(decodePlans(before)).toEqual(new Map([['net-a', plan]]));
});
