import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDhcp } from '../support/attach/dhcp.ts';
import type { World } from '../support/attach/world.ts';
import { patienceMs } from './patience.ts';

/** Where IPAM plugins note on a world's host what they have given. */
export interface Books {
  /** `dataDir` of host-local. */
  readonly dataDir: string;
  /** Of the dhcp daemon; absent: there is none. */
  readonly dhcpSocket?: string;
  /** One text for each address that is given and not given back; told once. */
  left(): Promise<readonly string[]>;
  end(): void;
}

/** @param dhcp starts server and daemon */
export async function openBooks(world: World, dhcp: boolean): Promise<Books> {
  const dataDir = join(world.folder, 'books');
  const leases = dhcp ? await startDhcp(world) : undefined;
  const told = new Set<string>();
  const leased = async (): Promise<readonly string[]> => {
    for (const end = Date.now() + patienceMs; ; await sleep(50)) {
      const released = new Set(leases?.seen('release'));
      const left = [...new Set(leases?.seen('lease'))].filter((lease) => !released.has(lease) && !told.has(lease));
      if (left.length === 0 || Date.now() > end) return left;
    }
  };
  return {
    dataDir,
    ...(leases === undefined ? {} : { dhcpSocket: leases.socket }),
    async left() {
      const left = [...given(dataDir).filter((lease) => !told.has(lease)), ...(await leased())];
      for (const lease of left) told.add(lease);
      return left.map((lease) => `lease ${lease}`);
    },
    end: () => leases?.end(),
  };
}

/** Addresses that host-local has given and not got back, in all networks' books. */
function given(dataDir: string): string[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir).flatMap((network) =>
    readdirSync(join(dataDir, network))
      .filter((name) => /^[\da-f]+[.:]/.test(name))
      .map((address) => `${address} in host-local's book of ${network}`),
  );
}
