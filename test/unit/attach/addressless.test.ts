import { expect, it } from 'vitest';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { decodePlans, encodePlans } from '../../../src/daemon/plan/codec.ts';
import { derivePlans, type PlanView } from '../../../src/daemon/plan/derive.ts';
import { emptyLedger, writeLedger } from '../../../src/ipam/ledger.ts';
import { plan } from '../../../src/ipam/plan.ts';
import type { PlanHost } from '../../../src/ipam/types.ts';
import { networkObject, nic } from '../../support/networks.ts';

const config = { type: 'host-local', ranges: [[{ subnet: '10.9.0.0/16' }]] };
const spec = { ipam: JSON.stringify(config), plugin: { cniVersion: '1.0.0', type: 'macvlan' } };
const object: MultiNicNetwork = { ...networkObject({}, 'local'), spec };

it('a network of another IPAM plugin is planned, published and served as any other, with blocks that have no addresses', () => {
  const parsed = parseNetwork(object);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const hosts: PlanHost[] = ['a', 'b', 'c'].map((hostName, i) => ({
    hostName,
    nodeExists: true,
    nics: [nic('eth1', [`10.1.0.${i + 1}/24`]), nic('eth2', [`10.1.1.${i + 1}/24`])],
    allocated: new Map(),
  }));
  const output = plan({ network: parsed.value, ledger: emptyLedger, hosts, now: 0 });
  expect(output.problems).toEqual([]);
  expect(output.assignments.size).toBe(3);
  expect(plan({ network: parsed.value, ledger: output.ledger, hosts, now: 0 }).ledger).toBe(output.ledger);

  const published = output.assignments.get('b');
  const { cidr } = writeLedger(parsed.value, output.ledger);
  const view: PlanView = {
    hostName: 'b',
    published: published === undefined ? [] : [published],
    cidr: () => ({ apiVersion: 'multinic.fms.io/v1', kind: 'CIDR', metadata: { name: 'local' }, spec: cidr }),
    network: () => object,
    nics: hosts[1]?.nics ?? [],
    previous: new Map(),
    held: () => 0,
  };
  const derived = derivePlans(view);
  expect(derived.notes).toEqual([]);
  const served = derived.plans.get('local');
  expect(served).toMatchObject({
    ipam: { kind: 'each', config },
    routed: false,
    blocks: [
      { interfaceName: 'eth1', podCIDRs: [], vlanCIDRs: [] },
      { interfaceName: 'eth2', podCIDRs: [], vlanCIDRs: [] },
    ],
  });
  expect(decodePlans(encodePlans(derived.plans.values()))).toEqual(derived.plans);
});
