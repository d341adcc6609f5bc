import type { Block, Nic } from '../../src/api/host.ts';
import type { MultiNicNetwork, MultiNicNetworkSpec } from '../../src/api/kinds/multinicnetwork.ts';
import type { Network } from '../../src/api/network.ts';
import { parseNetwork } from '../../src/api/network-gate.ts';
import { parseInterfaceAddress, parsePrefix } from '../../src/net/prefix.ts';

/** A stored MultiNicNetwork as the predecessor's quick start writes it; `spec` replaces fields. */
export function networkObject(spec: Partial<MultiNicNetworkSpec> = {}, name = 'multi-nic-sample'): MultiNicNetwork {
  return {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    metadata: { name, uid: `uid-${name}`, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      subnet: '192.168.0.0/16',
      ipam: '{"type":"multi-nic-ipam","hostBlock":6,"interfaceBlock":2,"vlanMode":"l3"}',
      multiNICIPAM: true,
      plugin: { cniVersion: '0.3.0', type: 'ipvlan', args: { mode: 'l3' } },
      attachPolicy: { strategy: 'none' },
      ...spec,
    },
  };
}

/** A network behind the gate; `change` replaces fields of the quick start's. */
export function network(change: Partial<Network> = {}): Network {
  const parsed = parseNetwork(networkObject({}, change.name));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { ...parsed.value, ...change };
}

/** A NIC with these addresses (`10.1.0.7/24`), known by its key. */
export function nic(name: string, addresses: readonly string[], change: Partial<Nic> = {}): Nic {
  return {
    name,
    key: `0000:00:${name}`,
    mac: '02:00:00:00:00:01',
    mtu: 1500,
    up: true,
    addresses: addresses.map(parseInterfaceAddress),
    ...change,
  };
}

/** A block of one or two families. */
export function block(
  name: string,
  interfaceIndex: number,
  vlans: string[],
  pods: string[],
  excludes: string[] = [],
): Block {
  return {
    interfaceIndex,
    interfaceName: name,
    netAddresses: [parsePrefix(`10.1.${interfaceIndex}.0/24`)],
    vlanCIDRs: vlans.map(parsePrefix),
    podCIDRs: pods.map(parsePrefix),
    excludes: excludes.map(parsePrefix),
    draining: false,
  };
}
