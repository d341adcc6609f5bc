import { createKernel } from '../../../src/kernel/ip.ts';
import type { Link } from '../../../src/kernel/types.ts';
import { addressesOf, pingAll } from '../../../src/lab/ping.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';
import { formatAddress } from '../../../src/net/address.ts';

/** Links of the pod but `lo`, as its kernel has them, by name. */
export async function linksOf(pod: LabPod): Promise<readonly Link[]> {
  // The netns is a mount of the host's: it is reached through the process that holds that host.
  const path = `/proc/${pod.host.pid}/root${pod.sandbox.netns.replace('/var/run/', '/run/')}`;
  const links = await createKernel().links(path);
  return links.filter(({ name }) => name !== 'lo').sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `net1 192.168.0.1/18`, in the order of the result. */
export function addressTexts(pod: LabPod): string[] {
  return addressesOf(pod).map(({ link, address, rail }) => `${link} ${formatAddress(address)}/${rail.length}`);
}

/** Addresses without lengths. */
export function bareAddresses(pods: readonly LabPod[]): string[] {
  return pods.flatMap((pod) => addressesOf(pod).map(({ address }) => formatAddress(address)));
}

/** One line for each ping that was lost between any two of the pods, on any NIC and in any family. */
export async function lostPings(pods: readonly LabPod[]): Promise<string[]> {
  const counts = await pingAll(pods);
  if (counts.length === 0) throw new Error('no pings were sent');
  return counts
    .filter(({ sent, received }) => sent !== received)
    .map(
      ({ from, to, link, address, sent, received }) => `${from} ${link} -> ${to} ${address}: ${received} of ${sent}`,
    );
}
