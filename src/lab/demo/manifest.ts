import { stringify } from 'yaml';
import type { DemoPlan } from './options.ts';

/** The manifest that the demo applies: the quick start's file where it fits, else a derived text. */
export type Manifest = { readonly file: string } | { readonly text: string };

/** The quick start's example, from the project's folder. */
export const quickstart = 'examples/quickstart/network.yaml';

/** Addresses that a block needs beyond its pods: those that try ADD without an API server, and the two of a subnet's ends. */
const spare = 8 + 2;

/** Subnets to choose from: the smallest with room for all bits. None overlaps the rails (10.1.0.0/16). */
const subnets = [
  { prefix: '192.168.0.0/16', bits: 16 },
  { prefix: '172.16.0.0/12', bits: 20 },
  { prefix: '100.64.0.0/10', bits: 22 },
] as const;

/** What the plan needs: the quick start has 2 interface bits, 6 host bits and 8 bits for pods. */
export function manifestFor(plan: DemoPlan): Manifest {
  const room = plan.nics <= 4 && plan.hosts <= 64 && plan.pods + spare <= 256;
  return room && plan.plugin === 'ipvlan' && plan.mode === 'l3' ? { file: quickstart } : { text: derive(plan) };
}

/** @throws Error when no subnet is large enough */
function derive({ hosts, nics, pods, plugin, mode }: DemoPlan): string {
  const interfaceBlock = Math.max(2, bitsFor(nics));
  const hostBlock = Math.max(6, bitsFor(hosts));
  const needed = interfaceBlock + hostBlock + bitsFor(pods + spare);
  const subnet = subnets.find(({ bits }) => bits >= needed)?.prefix;
  if (subnet === undefined) {
    throw new Error(
      `${hosts} hosts, ${nics} NICs and ${pods} pods a host need ${needed} address bits: 22 is the limit`,
    );
  }
  const ipam = { type: 'multi-nic-ipam', hostBlock, interfaceBlock, ...(plugin === 'ipvlan' && { vlanMode: mode }) };
  return stringify({
    apiVersion: 'multinic.fms.io/v1',
    kind: 'MultiNicNetwork',
    // The quick start's name: what its page says holds for this network too.
    metadata: { name: 'multi-nic-sample' },
    spec: {
      subnet,
      ipam: `${JSON.stringify(ipam, undefined, 2)}\n`,
      multiNICIPAM: true,
      plugin: { cniVersion: '0.3.0', type: plugin, args: { mode } },
      attachPolicy: { strategy: 'none' },
    },
  });
}

/** Bits that number so many. */
function bitsFor(count: number): number {
  return Math.ceil(Math.log2(count));
}
