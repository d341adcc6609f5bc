import { describe, expect, it } from 'vitest';
import type { MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { networkObject } from '../../support/networks.ts';
import { predecessorObjects } from '../../support/predecessor.ts';

function parse(ipam: object, more: Partial<MultiNicNetworkSpec> = {}) {
  const plugin = { cniVersion: '1.0.0', type: 'macvlan' };
  const spec = { ipam: JSON.stringify(ipam), plugin, ...more };
  return parseNetwork({ ...networkObject(), spec });
}

function problems(ipam: object): string[] {
  const parsed = parse(ipam);
  return parsed.ok ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe('ipam of other types than ours', () => {
  it('is taken whole, with no subnet; a subnet beside it means nothing', () => {
    const config = { type: 'host-local', ranges: [[{ subnet: '10.9.0.0/16' }]], routes: [{ dst: '10.0.0.0/8' }] };
    for (const more of [{}, { subnet: '10.1.0.0/16', multiNICIPAM: false }]) {
      expect(parse(config, more)).toMatchObject({ ok: true, value: { ipam: { kind: 'each', config }, subnets: [] } });
    }
  });

  it('has no routes of hosts, in whatever mode: nobody here knows the addresses', () => {
    const plugin = { cniVersion: '1.0.0', type: 'ipvlan', args: { mode: 'l3' } };
    expect(parse({ type: 'dhcp' }, { plugin })).toMatchObject({ ok: true, value: { mode: 'l3', routed: false } });
  });

  it('multi-config names a configuration for each NIC; whereabouts books by NIC, as with the predecessor', () => {
    const args = { eth1: { range: '10.1.0.0/24' }, eth2: { range: '10.2.0.0/24', network_name: 'own' } };
    expect(parse({ type: 'multi-config', ipam_type: 'whereabouts', args })).toMatchObject({
      value: {
        ipam: {
          kind: 'per-master',
          configs: {
            eth1: { type: 'whereabouts', range: '10.1.0.0/24', network_name: 'eth1' },
            eth2: { type: 'whereabouts', range: '10.2.0.0/24', network_name: 'own' },
          },
        },
      },
    });
    const local = parse({ type: 'multi-config', ipam_type: 'host-local', args: { eth1: { subnet: '10.1.0.0/24' } } });
    expect(local).toMatchObject({
      value: { ipam: { configs: { eth1: { type: 'host-local', subnet: '10.1.0.0/24' } } } },
    });
  });

  it.each(['old-macvlan-whereabouts', 'old-multi-config', 'old-mellanox'])("takes the predecessor's %s", (name) => {
    const object = predecessorObjects().find(({ metadata }) => metadata.name === name);
    const spec = trusted<MultiNicNetworkSpec>(object?.spec);
    expect(parseNetwork({ ...networkObject({}, name), spec })).toMatchObject({ ok: true });
  });

  it.each([
    [{ type: '../sh' }, 'spec.ipam.type: "../sh" names no IPAM plugin'],
    [{ type: 'multi-nic' }, 'spec.ipam.type: "multi-nic" names no IPAM plugin'],
    [
      { type: 'host-device-ipam' },
      "spec.ipam: host-device-ipam lets a NIC's own addresses go with it, but macvlan leaves",
    ],
    [{ type: 'multi-config', args: { eth1: {} } }, 'spec.ipam.ipam_type: undefined names no IPAM plugin'],
    [{ type: 'multi-config', ipam_type: 'static' }, 'spec.ipam.args: must have a configuration for each NIC'],
    [{ type: 'multi-config', ipam_type: 'static', args: { eth1: 5 } }, 'spec.ipam.args.eth1: must be a JSON object'],
    [
      { type: 'multi-config', ipam_type: 'static', args: { eth1: {} }, range: 'x' },
      'spec.ipam.range: is not supported beside multi-config',
    ],
  ])('refuses %j', (ipam, text) => {
    expect(problems(ipam)).toEqual([expect.stringContaining(text)]);
  });
});
