import type { HostInterface } from '../../api/kinds/hostinterface.ts';
import type { LabHost } from '../hosts/hosts.ts';
import { firstRows, table } from './table.ts';

/** Hosts that fit side by side. */
const columns = 5;

/** NIC by host: the addresses that the daemons found, and the NIC of the default route, which is in no pool. */
export function nicMatrix(hosts: readonly LabHost[], interfaces: readonly HostInterface[]): string[] {
  const { shown, more } = firstRows(hosts, columns);
  const found = new Map(interfaces.map((object) => [object.metadata.name, object.spec?.interfaces ?? []]));
  const names = shown[0]?.nics.map((nic) => nic.name) ?? [];
  const cell = (host: LabHost, name: string) => {
    if (name === 'eth0') return host.nics[0]?.addresses[0]?.split('/')[0] ?? '';
    const nic = found.get(host.name)?.find(({ interfaceName }) => interfaceName === name);
    return nic === undefined ? 'not found' : (nic.hostIPs ?? [nic.hostIP ?? 'no address']).join(' ');
  };
  const rows = names.map((name) => [
    name,
    ...shown.map((host) => cell(host, name)),
    name === 'eth0' ? 'default route: not in the pool' : '',
  ]);
  return [...table([['NIC', ...shown.map((host) => host.name), ''], ...rows]), ...moreHosts(more)];
}

/** Rail by host: the block from which the host's pods get addresses on that rail. */
export function addressPlan(network: string, interfaces: readonly HostInterface[]): string[] {
  const sorted = [...interfaces].sort((a, b) => numberOf(a) - numberOf(b));
  const { shown, more } = firstRows(sorted, columns);
  const blocksOf = (object: HostInterface) =>
    object.status?.networks?.find(({ name }) => name === network)?.blocks ?? [];
  const first = shown[0] === undefined ? [] : blocksOf(shown[0]);
  const rows = first.map((block) => [
    block.netAddresses.join(' ') || block.interfaceName,
    block.vlanCIDRs.join(' '),
    ...shown.map(
      (object) =>
        blocksOf(object)
          .find(({ interfaceIndex }) => interfaceIndex === block.interfaceIndex)
          ?.podCIDRs.join(' ') ?? '',
    ),
  ]);
  const head = ['rail', 'its pods', ...shown.map((object) => object.metadata.name)];
  return [...table([head, ...rows]), ...moreHosts(more)];
}

function moreHosts(more: number): string[] {
  return more === 0 ? [] : [`and ${more} more hosts`];
}

function numberOf(object: HostInterface): number {
  return Number(/\d+$/.exec(object.metadata.name)?.[0] ?? 0);
}
