import type { Block, HostPlan, Nic } from '../../api/host.ts';
import type { CIDR } from '../../api/kinds/cidr.ts';
import type { PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../api/network-gate.ts';
import { verifyPublished } from '../../ipam/blocks.ts';
import { formatPrefix, samePrefix } from '../../net/prefix.ts';

/** What the daemon knows of the cluster when it decides what this host serves. */
export interface PlanView {
  readonly hostName: string;
  /** HostInterface.status.networks of this host. */
  readonly published: readonly PublishedNetwork[];
  readonly cidr: (network: string) => CIDR | undefined;
  readonly network: (network: string) => MultiNicNetwork | undefined;
  readonly nics: readonly Nic[];
  readonly previous: ReadonlyMap<string, HostPlan>;
  /** Addresses in use on the network, on that rail or on all. */
  readonly held: (network: string, interfaceIndex?: number) => number;
}

/** Why a network is not served as published. */
export interface PlanNote {
  readonly network: string;
  readonly message: string;
}

export interface Derived {
  readonly plans: ReadonlyMap<string, HostPlan>;
  readonly notes: readonly PlanNote[];
}

/**
 * Decides what this host serves: what the operator published, recomputed from the ledger by the same function, never a
 * lower revision of one network, never a changed block under held addresses; else the plan of before stays.
 */
export function derivePlans(view: PlanView): Derived {
  const plans = new Map<string, HostPlan>();
  const notes: PlanNote[] = [];
  for (const published of view.published) {
    const previous = view.previous.get(published.name);
    const next = adopt(published, previous, view);
    const plan = typeof next === 'string' ? previous : next;
    if (typeof next === 'string') notes.push({ network: published.name, message: next });
    if (plan !== undefined) plans.set(plan.network, plan);
  }
  for (const [name, previous] of view.previous) {
    if (plans.has(name)) continue;
    const held = view.held(name);
    if (held === 0) continue;
    plans.set(name, previous.draining ? previous : { ...previous, draining: true });
    notes.push({ network: name, message: `the network is gone but ${held} addresses are held: draining` });
  }
  return { plans, notes };
}

/** The new plan of one network, or why the one of before stays. */
function adopt(published: PublishedNetwork, previous: HostPlan | undefined, view: PlanView): HostPlan | string {
  const { name, uid, hostIndex, revision } = published;
  const before = previous?.uid === uid ? previous : undefined;
  if (before !== undefined && (revision.network < before.revision.network || revision.host < before.revision.host)) {
    return `published revision ${revision.network}/${revision.host} is older than ${before.revision.network}/${before.revision.host}, which is served`;
  }
  const kind = linkOf(view.network(name), before);
  if (kind === undefined) return 'the MultiNicNetwork is not known here yet or is not valid';
  const cidr = view.cidr(name);
  const config = cidr?.spec?.config;
  if (config === undefined || config.uid !== uid) return 'its CIDR is not known here yet';
  const verified = verifyPublished(config, cidr?.spec?.interfaces ?? [], published, view.hostName, view.nics);
  if (!verified.ok) return verified.message;
  const { blocks } = verified;
  const moved = before === undefined ? undefined : movedUnderPods(before, blocks, view);
  if (moved !== undefined) return moved;
  if (previous !== undefined && before === undefined && !carriesOn(previous, kind, blocks, view)) {
    return `a new network of this name waits until ${view.held(name)} addresses of the old one are released`;
  }
  return { network: name, uid, hostIndex, revision, draining: published.draining ?? false, ...kind, blocks };
}

type LinkSettings = Pick<
  HostPlan,
  'pluginType' | 'binding' | 'mode' | 'ipam' | 'routed' | 'subnets' | 'masterNets' | 'routes' | 'sourceRouting'
>;

/** Kind and mode from the network's spec; from the plan of before where the spec no longer passes the gate. */
function linkOf(object: MultiNicNetwork | undefined, before: HostPlan | undefined): LinkSettings | undefined {
  const parsed = object === undefined ? undefined : parseNetwork(object);
  const source = parsed?.ok === true ? parsed.value : before;
  if (source === undefined) return undefined;
  const { pluginType, binding, mode, ipam, routed, subnets, masterNets, routes = [], sourceRouting = false } = source;
  const chosen = {
    ...(mode === undefined ? {} : { mode }),
    ...(routes.length === 0 ? {} : { routes }),
    ...(sourceRouting ? { sourceRouting } : {}),
  };
  return { pluginType, binding, ipam, routed, subnets, masterNets, ...chosen };
}

function movedUnderPods(before: HostPlan, blocks: readonly Block[], view: PlanView): string | undefined {
  for (const old of before.blocks) {
    const held = view.held(before.network, old.interfaceIndex);
    if (held === 0) continue;
    const next = blocks.find((block) => block.interfaceIndex === old.interfaceIndex);
    if (next === undefined || sameAddresses(old, next)) continue;
    return `block ${text(old)} of rail ${old.interfaceIndex} would become ${text(next)} while ${held} addresses are held`;
  }
  return undefined;
}

/**
 * What pods hold of a namesake that went without them (its CRD was deleted and made again, or the network by force) fits the new network
 * as it is: the same plugin, and the same blocks on the same NICs wherever something is held.
 */
function carriesOn(
  previous: HostPlan,
  { pluginType }: LinkSettings,
  blocks: readonly Block[],
  { held }: PlanView,
): boolean {
  if (held(previous.network) === 0) return true;
  if (pluginType !== previous.pluginType) return false;
  return previous.blocks.every((old) => {
    if (held(previous.network, old.interfaceIndex) === 0) return true;
    const next = blocks.find((block) => block.interfaceIndex === old.interfaceIndex);
    return next !== undefined && next.interfaceName === old.interfaceName && sameAddresses(old, next);
  });
}

function sameAddresses(a: Block, b: Block): boolean {
  return (
    a.podCIDRs.length === b.podCIDRs.length &&
    a.podCIDRs.every((prefix, i) => {
      const other = b.podCIDRs[i];
      const vlan = a.vlanCIDRs[i];
      const otherVlan = b.vlanCIDRs[i];
      return (
        other !== undefined &&
        vlan !== undefined &&
        otherVlan !== undefined &&
        samePrefix(prefix, other) &&
        samePrefix(vlan, otherVlan)
      );
    })
  );
}

function text(block: Block): string {
  return block.podCIDRs.map(formatPrefix).join(', ');
}
