import { code } from '../api/cni-error.ts';
import type { Block, Nic } from '../api/host.ts';
import type { Strategy } from '../api/network.ts';
import type { PodRequest } from '../cni/types.ts';
import { NetError, parseAddress } from '../net/address.ts';
import { containsAddress, formatPrefix, type Prefix, parseInterfaceAddress, samePrefix } from '../net/prefix.ts';

/** What the network says about the pool and the choice. */
export interface Policy {
  readonly network: string;
  readonly host: string;
  readonly strategy: Strategy;
  /** NIC networks of the pool; empty: all. */
  readonly masterNets: readonly Prefix[];
  /** NICs that cannot be had for another reason than select sees, by name. */
  readonly unavailable?: ReadonlyMap<string, Unavailable>;
}

/** Why a NIC cannot be had. */
export interface Unavailable {
  /** `is lent to pod default/trainer` */
  readonly reason: string;
  /** It ends by itself: the same ADD may succeed later. */
  readonly passing: boolean;
}

/** A NIC that the pod gets, with the block of its addresses. */
export interface Chosen {
  readonly nic: Nic;
  readonly block: Block;
  /** Of a network whose delegate takes devices: the one on that NIC. */
  readonly device?: string;
}

/** A device that kubelet gave to the pod. */
export interface PodDevice {
  readonly id: string;
  /** Name of the host NIC that it is, or that it is a virtual function of; absent: none that is known. */
  readonly nic?: string;
  /** The one that the runtime hands to this attachment: it comes before others. */
  readonly handed: boolean;
}

/** A NIC that it does not get, and why. */
export interface Rejected {
  readonly nic: string;
  readonly reason: string;
}

export type Selection =
  | { readonly ok: true; readonly chosen: readonly Chosen[]; readonly rejected: readonly Rejected[] }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly rejected: readonly Rejected[] };

/**
 * Picks a pod's NICs with strategy `none`: all eligible NICs by interface index (the same rail order on every host), or
 * those that `masters` names, in its order; `nics` then takes the first so many, NICs of requested addresses before others.
 * A NIC is eligible when it is up, in the pool, and has a block that does not drain. What cannot be had is refused with a
 * list of what there is; nothing is ever attached instead.
 * @param devices of a network whose delegate takes devices: these are picked, each with its NIC's block, several on one NIC too;
 * `nics` counts them, and `masters` names their NICs
 */
export function select(
  request: PodRequest,
  inventory: readonly Nic[],
  blocks: readonly Block[],
  policy: Policy,
  devices?: readonly PodDevice[],
): Selection {
  const refusedStrategy = checkStrategy(request, policy);
  if (refusedStrategy !== undefined)
    return { ok: false, code: code.unsatisfiable, message: refusedStrategy, rejected: [] };
  const judged = judge(inventory, blocks, policy);
  const { eligible, rejected } = devices === undefined ? judged : byDevices(judged, devices);
  const passing = new Set(rejected.filter(({ nic }) => policy.unavailable?.get(nic)?.passing).map(({ nic }) => nic));
  const refuse = (what: string, later = false): Selection => ({
    ok: false,
    code: later ? code.tryAgainLater : code.unsatisfiable,
    message: `network "${policy.network}" on host ${policy.host}: ${what}. ${describe(eligible, rejected)}`,
    rejected,
  });
  if (request.nics !== undefined && (!Number.isInteger(request.nics) || request.nics < 0)) {
    return refuse(`the pod asks for nics ${request.nics}, which is no number of NICs`);
  }
  const named = byMasters(request.masters, eligible);
  if (typeof named === 'string') {
    const without = missing(request, eligible);
    const all = without.length > 0 && new Set(request.masters).size === request.masters?.length;
    return refuse(named, all && without.every((nic) => passing.has(nic)));
  }
  if (named.length === 0) return refuse('no NIC can be had', passing.size > 0);
  const count = request.nics === undefined || request.nics === 0 ? named.length : request.nics;
  if (count > named.length) {
    const later = named.length === eligible.length && count <= named.length + passing.size;
    return refuse(`the pod asks for ${count} NICs, ${named.length} can be had`, later);
  }
  const chosen = first(named, count, request.ips);
  const left = named
    .filter((one) => !chosen.includes(one))
    .map((one) => ({ nic: nameOf(one), reason: `the pod asks for ${count} NICs only` }));
  const unnamed = eligible
    .filter((one) => !named.includes(one))
    .map((one) => ({ nic: nameOf(one), reason: 'masters does not name it' }));
  return { ok: true, chosen, rejected: [...rejected, ...unnamed, ...left] };
}

function checkStrategy({ class: wantedClass, target }: PodRequest, { strategy, network }: Policy): string | undefined {
  if (strategy !== 'none') {
    return `network "${network}": strategy "${strategy}" is not supported yet: use none in attachPolicy`;
  }
  if (wantedClass !== undefined) {
    return `network "${network}": the pod asks for NICs of class "${wantedClass}", which needs strategy devClass; the network has none: leave class out`;
  }
  if (target !== undefined) {
    return `network "${network}": the pod asks for bandwidth ${target}, which needs strategy costOpt or perfOpt; the network has none: leave target out`;
  }
  return undefined;
}

function judge(inventory: readonly Nic[], blocks: readonly Block[], policy: Policy): Judged {
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

interface Judged {
  readonly eligible: readonly Chosen[];
  readonly rejected: readonly Rejected[];
}

/** Devices in the order of their NICs' rails, the first of each NIC before the second of any: few devices then use many NICs. */
function byDevices({ eligible, rejected }: Judged, devices: readonly PodDevice[]): Judged {
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

function nameOf({ nic, device }: Chosen): string {
  return device === undefined ? nic.name : `${nic.name} ${device}`;
}

function reasonAgainst(nic: Nic, block: Block | undefined, policy: Policy): string | undefined {
  const { masterNets, unavailable } = policy;
  const nets = nic.addresses.map(({ prefix }) => prefix);
  if (masterNets.length > 0 && !nets.some((net) => masterNets.some((one) => samePrefix(one, net)))) {
    return `is on ${nets.map(formatPrefix).join(' and ') || 'no network'}, which masterNets does not list`;
  }
  if (block === undefined) return 'has no block of the network yet';
  if (block.draining) return 'its block is draining';
  const known = unavailable?.get(nic.name);
  if (known !== undefined) return known.reason;
  return nic.up ? undefined : 'is down';
}

function byMasters(masters: readonly string[] | undefined, eligible: readonly Chosen[]): readonly Chosen[] | string {
  if (masters === undefined || masters.length === 0) return eligible;
  const twice = masters.find((name, index) => masters.indexOf(name) !== index);
  if (twice !== undefined) return `masters names NIC ${twice} twice`;
  const found = masters.flatMap((name) => eligible.filter(({ nic }) => nic.name === name));
  const without = missing({ masters }, eligible);
  return without.length === 0 ? found : `masters names ${without.join(', ')}, which cannot be had`;
}

/** NICs that masters names, but cannot be had. */
function missing({ masters = [] }: Pick<PodRequest, 'masters'>, eligible: readonly Chosen[]): readonly string[] {
  return masters.filter((name) => !eligible.some(({ nic }) => nic.name === name));
}

/** The first `count` in their order, those whose block contains a requested address before the others. */
function first(candidates: readonly Chosen[], count: number, ips: readonly string[]): Chosen[] {
  if (count === candidates.length) return [...candidates];
  const wanted = ips.flatMap(addressIn);
  const needed = ({ block }: Chosen) => wanted.some((ip) => block.podCIDRs.some((pod) => containsAddress(pod, ip)));
  const ranked = new Set([...candidates.filter(needed), ...candidates]);
  const kept = new Set([...ranked].slice(0, count));
  return candidates.filter((one) => kept.has(one));
}

/** A text that is no address is left to the allocation, which refuses it. */
function addressIn(text: string) {
  try {
    return [text.includes('/') ? parseInterfaceAddress(text).address : parseAddress(text)];
  } catch (error) {
    if (error instanceof NetError) return [];
    throw error;
  }
}

function describe(eligible: readonly Chosen[], rejected: readonly Rejected[]): string {
  const names = eligible.map(nameOf).join(', ') || 'none';
  const others = rejected.map(({ nic, reason }) => `${nic} (${reason})`).join(', ');
  return `NICs that can be had: ${names}${others === '' ? '' : `; others: ${others}`}`;
}
