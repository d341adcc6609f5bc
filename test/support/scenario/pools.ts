import type { IPPool } from '../../../src/api/kinds/ippool.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { until } from '../../../src/lab/cluster/wait.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';

/** Addresses that the IPPools of the host say are in use, once they say so many: they are published up to 10 s late. */
export async function untilAllocated(lab: Lab, host: LabHost, count: number): Promise<void> {
  let seen = 0;
  await until(
    `${count} addresses in the IPPools of ${host.name}`,
    async () => {
      const { items } = await lab.api.client.list<IPPool>(resources.ipPools);
      const own = items.filter(({ spec }) => spec?.hostName === host.name);
      seen = own.reduce((sum, { status }) => sum + (status?.allocated ?? 0), 0);
      return seen === count || undefined;
    },
    () => `: ${seen}`,
  );
}
