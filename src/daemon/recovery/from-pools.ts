import type { IPPool } from '../../api/kinds/ippool.ts';
import type { Delegation } from '../../api/network.ts';
import { emptyResult } from '../../cni/result.ts';
import type { AttachmentKey } from '../../cni/types.ts';
import { parseAddress } from '../../net/address.ts';
import { keyText } from '../../store/key.ts';
import type { AttachmentRecord, HeldAddress, Store } from '../../store/types.ts';
import { bareRecord, enter } from './bare-record.ts';
import { isFoundKey } from './found.ts';
import { mastersOf } from './masters.ts';

/**
 * What a host without its store still knows from its IPPools: who held which address when they were last published, and so who uses
 * which NIC. The records carry no delegates: a DEL frees addresses and NICs, the links go with their namespace.
 * @param delegationOf what a network makes of NICs, as far as it is known
 */
export function recordsFromPools(
  pools: readonly IPPool[],
  delegationOf: (network: string) => Delegation | undefined,
  bootId: string,
  now: number,
): AttachmentRecord[] {
  const found = new Map<string, { key: AttachmentKey; pod: AttachmentRecord['pod']; addresses: HeldAddress[] }>();
  for (const { spec, status } of pools) {
    for (const allocation of status?.allocations ?? []) {
      // Looked for anew, where it stands.
      if (isFoundKey(allocation)) continue;
      const network = spec?.netAttachDef ?? '';
      const key = { network, containerID: allocation.containerID, ifname: allocation.ifname };
      const pod = { namespace: allocation.namespace ?? '', name: allocation.pod ?? '', uid: allocation.podUID ?? '' };
      const entry = found.get(keyText(key)) ?? { key, pod, addresses: [] };
      entry.addresses.push({
        address: parseAddress(allocation.address),
        interfaceIndex: spec?.interfaceIndex ?? 0,
        nic: spec?.interfaceName ?? '',
      });
      found.set(keyText(key), entry);
    }
  }
  return [...found.values()].map((known) => {
    const masters = mastersOf(known.key, delegationOf(known.key.network), known.addresses);
    return bareRecord({ ...known, masters, createdAt: now }, bootId);
  });
}

/**
 * Enters them as ready, so that none of their addresses is given out again, and no NIC that one of them has alone.
 * @returns how many
 */
export async function importRecords(store: Store, records: readonly AttachmentRecord[]): Promise<number> {
  for (const record of records) {
    const conflict = await enter(store, record);
    if (conflict !== undefined && conflict.kind !== 'attachment') {
      throw new Error(`IPPools contradict each other at ${keyText(record.key)}: ${conflict.kind}`);
    }
    await store.finish(record.key, [], emptyResult);
  }
  return records.length;
}
