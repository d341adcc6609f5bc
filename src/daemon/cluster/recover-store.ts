import type { Delegation } from '../../api/network.ts';
import { parseNetwork } from '../../api/network-gate.ts';
import type { Kernel } from '../../kernel/types.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Readiness } from '../../observe/readiness.ts';
import { originName } from '../../store/open.ts';
import type { Store } from '../../store/types.ts';
import { lookForAddresses } from '../recovery/found.ts';
import { importRecords, recordsFromPools } from '../recovery/from-pools.ts';
import type { Caches } from './caches.ts';

/**
 * A host that comes without its store asks its IPPools what it has handed out before it gives an address, and looks into the
 * pods' namespaces for what was handed out since they were published: a missing file never means that all is free. Marks the
 * store as good afterwards.
 */
export async function recoverStore(parts: {
  readonly store: Store;
  readonly kernel: Kernel;
  readonly readiness: Readiness;
  readonly log: Logger;
  readonly caches: Caches;
}): Promise<undefined> {
  const { store, kernel, readiness, log, caches } = parts;
  if (store.get(originName) !== undefined) {
    const records = recordsFromPools(caches.pools.list(), delegationIn(caches), kernel.bootId(), Date.now());
    const count = await importRecords(store, records);
    await lookForAddresses(store, kernel);
    await store.set(originName, undefined);
    log.info({ attachments: count }, 'the store begins with what the IPPools say');
  }
  readiness.set('recovery', undefined);
  return undefined;
}

/** What networks make of NICs, as their objects say now. */
function delegationIn({ networks }: Pick<Caches, 'networks'>): (name: string) => Delegation | undefined {
  return (name) => {
    const object = networks.get(name);
    const parsed = object === undefined ? undefined : parseNetwork(object);
    return parsed?.ok === true ? parsed.value : undefined;
  };
}
