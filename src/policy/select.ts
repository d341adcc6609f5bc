import { code } from '../api/cni-error.ts';
import type { Block, Nic } from '../api/host.ts';
import type { PodRequest } from '../cni/types.ts';
import { NetError, parseAddress } from '../net/address.ts';
import { containsAddress, parseInterfaceAddress } from '../net/prefix.ts';
import { byDevices, judge } from './eligible.ts';
import type { Chosen, PodDevice, Policy, Rejected, Selection } from './types.ts';

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

function nameOf({ nic, device }: Chosen): string {
  return device === undefined ? nic.name : `${nic.name} ${device}`;
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
