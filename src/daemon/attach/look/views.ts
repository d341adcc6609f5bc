import type { PodRef } from '../../../cni/types.ts';
import { formatAddress } from '../../../net/address.ts';
import { parseInterfaceAddress } from '../../../net/prefix.ts';
import type { AttachmentRecord, AttachmentState, Store } from '../../../store/types.ts';
import type { PoolUse } from '../../publish/ip-pool.ts';
import type { PoolNumbers } from '../pools.ts';

/** One attachment for people, as `/v1/attachments` answers it. */
export interface AttachmentView {
  readonly network: string;
  readonly containerID: string;
  readonly ifname: string;
  readonly state: AttachmentState;
  readonly pod: PodRef;
  readonly netns: string;
  /** In NIC order. */
  readonly interfaces: readonly {
    readonly name: string;
    readonly nic: string;
    readonly mac?: string;
    readonly addresses: readonly string[];
  }[];
  /** ISO time. */
  readonly since: string;
}

/** All attachments of the host, by network, then container. */
export function listAttachments(store: Pick<Store, 'attachments'>): readonly AttachmentView[] {
  const views = [...store.attachments.values()].map((record) => ({
    ...record.key,
    state: record.state,
    pod: record.pod,
    netns: record.netns,
    interfaces: nicsOf(record.calls, record.addresses).map(({ nic, name }) => {
      const mac = record.result?.interfaces.find((entry) => entry.name === name)?.mac;
      return {
        name,
        nic,
        ...(mac === undefined ? {} : { mac }),
        addresses: addressesOf(record, nic, name),
      };
    }),
    since: new Date(record.createdAt).toISOString(),
  }));
  const order = (view: AttachmentView): string => `${view.network}/${view.containerID}/${view.ifname}`;
  return views.sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** As answered, whoever gave them; else those that are held. */
function addressesOf({ result, addresses }: AttachmentRecord, nic: string, name: string): readonly string[] {
  const index = result?.interfaces.findIndex((entry) => entry.name === name) ?? -1;
  if (index < 0) return addresses.filter((held) => held.nic === nic).map((held) => formatAddress(held.address));
  const ips = result?.ips.filter((ip) => ip.interface === index) ?? [];
  return ips.map(({ address }) => formatAddress(parseInterfaceAddress(address).address));
}

/** NICs with their interface; a record learned from IPPools has addresses, but no calls. */
function nicsOf(
  calls: readonly { readonly nic: string; readonly ifname: string }[],
  addresses: readonly { readonly nic: string }[],
): readonly { readonly nic: string; readonly name: string }[] {
  if (calls.length > 0) return calls.map(({ nic, ifname }) => ({ nic, name: ifname }));
  return [...new Set(addresses.map(({ nic }) => nic))].map((nic) => ({ nic, name: '' }));
}

/** What has been handed out on one network and rail, from the store (which is what counts). */
export function poolUse(store: Store, network: string, interfaceIndex: number, pool: PoolNumbers): PoolUse {
  const allocations = [...store.attachments.values()]
    .filter(({ key }) => key.network === network)
    .flatMap(({ key, pod, addresses }) =>
      addresses
        .filter((held) => held.interfaceIndex === interfaceIndex)
        .map(({ address }) => ({
          address: formatAddress(address),
          containerID: key.containerID,
          ifname: key.ifname,
          podUID: pod.uid,
          namespace: pod.namespace,
          pod: pod.name,
        })),
    );
  return { ...pool, allocations };
}
