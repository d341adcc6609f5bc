import type { Block, Nic } from '../api/host.ts';
import { formatPrefix, samePrefix } from '../net/prefix.ts';
import type { Chosen, PodDevice, Policy, Rejected } from './types.ts';

export interface Judged {
  readonly eligible: readonly Chosen[];
  readonly rejected: readonly Rejected[];
}

/** Each NIC of the pool and each block, eligible (by interface index) or not, and why. */
export function judge(inventory: readonly Nic[], blocks: readonly Block[], policy: Policy): Judged {
  const eligible: Chosen[] = [];
  const rejected: Rejected[] = [];
  const byName = new Map(blocks.map((block) => [block.interfaceName, block]));
  for (const nic of inventory) {
    const block = byName.get(nic.name);
    const reason = reasonAgainst(nic, block, policy);
    if (block !== undefined && reason === undefined) eligible.push({ nic, block });
    else rejected.push({ nic: nic.name, reason: reason ?? 'has no block' });
  }
  for (const { interfaceName } of blocks) {
    if (!inventory.some(({ name }) => name === interfaceName)) {
      rejected.push({ nic: interfaceName, reason: 'has a block but is not on the host' });
    }
  }
  eligible.sort((a, b) => a.block.interfaceIndex - b.block.interfaceIndex);
  rejected.sort((a, b) => (a.nic < b.nic ? -1 : a.nic > b.nic ? 1 : 0));
  return { eligible, rejected };
}

/** Devices in the order of their NICs' rails, the first of each NIC before the second of any: few devices then use many NICs. */
export function byDevices({ eligible, rejected }: Judged, devices: readonly PodDevice[]): Judged {
  const handedFirst = [...devices.filter(({ handed }) => handed), ...devices.filter(({ handed }) => !handed)];
  const perNic = eligible.map((one) =>
    handedFirst.filter(({ nic }) => nic === one.nic.name).map(({ id }) => ({ ...one, device: id })),
  );
  const most = Math.max(0, ...perNic.map((own) => own.length));
  const rounds = Array.from({ length: most }, (_, round) => perNic.flatMap((own) => own[round] ?? []));
  const handed = new Set(handedFirst.filter((one) => one.handed).map(({ id }) => id));
  const all = rounds.flat();
  const without = handedFirst
    .filter(({ id }) => !all.some(({ device }) => device === id))
    .map(({ id, nic }) => ({
      nic: id,
      reason:
        nic === undefined
          ? 'is no NIC of the pool, nor a virtual function of one'
          : `is on NIC ${nic}, which cannot be had`,
    }));
  return {
    eligible: [...all.filter(({ device }) => handed.has(device)), ...all.filter(({ device }) => !handed.has(device))],
    rejected: [...rejected, ...without],
  };
}

function reasonAgainst(nic: Nic, block: Block | undefined, policy: Policy): string | undefined {
  const { masterNets, unavailable } = policy;
  const nets = nic.addresses.map(({ prefix }) => prefix);
  if (masterNets.length > 0 && !nets.some((net) => masterNets.some((one) => samePrefix(one, net)))) {
    return `is on ${nets.map(formatPrefix).join(' and ') || 'no network'}, which masterNets does not list`;
  }
  const known = unavailable?.get(nic.name);
  if (known?.passing === false) return known.reason;
  if (block === undefined) return 'has no block of the network yet';
  if (block.draining) return 'its block is draining';
  if (known !== undefined) return known.reason;
  return nic.up ? undefined : 'is down';
}
