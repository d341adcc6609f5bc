import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Block, HostPlan } from '../../api/host.ts';
import { emptyResult } from '../../cni/result.ts';
import type { AttachmentKey } from '../../cni/types.ts';
import type { Kernel } from '../../kernel/types.ts';
import { type Address, formatAddress, parseAddress, sameAddress } from '../../net/address.ts';
import { containsAddress } from '../../net/prefix.ts';
import type { AttachmentRecord, Store } from '../../store/types.ts';
import { bareRecord, enter } from './bare-record.ts';
import { mastersOf } from './masters.ts';

/** Where container runtimes name the namespaces of pods. */
const netnsFolder = '/run/netns';

/** Name of the store text that keeps what was found, until the plan says of which network it is. */
const foundName = 'found';

/** Links of how many namespaces are read at once: each is a process. */
const width = 8;

/** An interface with addresses in a pod, of which nobody knows the container. */
interface FoundLink {
  readonly netns: string;
  readonly netnsId: string;
  readonly ifname: string;
  readonly addresses: readonly string[];
}

/** No container's id begins so: the runtime's own is not to be had from a namespace. */
const mark = 'netns:';

/** Whether a record stands for an interface that was found, not for a container. */
export function isFoundKey({ containerID }: Pick<AttachmentKey, 'containerID'>): boolean {
  return containerID.startsWith(mark);
}

/**
 * Looks into every namespace of a pod, and keeps durably which addresses are in use there: what was handed out in the last
 * seconds before a store was lost stands in no IPPool yet.
 * @param folder where they are named
 * @throws Error when one that is there cannot be read: then nobody knows what is free
 */
export async function lookForAddresses(
  store: Store,
  kernel: Pick<Kernel, 'links' | 'netnsId'>,
  folder = netnsFolder,
): Promise<void> {
  const waiting = namesIn(folder).map((name) => join(folder, name));
  const found: FoundLink[] = [];
  const worker = async (): Promise<void> => {
    for (let netns = waiting.pop(); netns !== undefined; netns = waiting.pop()) {
      found.push(...(await linksIn(kernel, netns)));
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  await keep(store, found);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function linksIn(kernel: Pick<Kernel, 'links' | 'netnsId'>, netns: string): Promise<readonly FoundLink[]> {
  const netnsId = kernel.netnsId(netns);
  if (netnsId === undefined || netnsId === kernel.netnsId('/proc/self/ns/net')) return [];
  try {
    return (await kernel.links(netns)).flatMap(({ name, addresses }) => {
      const global = addresses.filter(({ scope }) => scope === 'global').map(({ address }) => formatAddress(address));
      return global.length === 0 ? [] : [{ netns, netnsId, ifname: name, addresses: global }];
    });
  } catch (error) {
    // It may have gone in between.
    if (kernel.netnsId(netns) !== netnsId) return [];
    throw error;
  }
}

/**
 * Enters what was found in blocks of these plans, and that no record holds: as attachments of their own, which keep the addresses
 * until the namespace is gone or a DEL names it. To be called before an address of such a plan is given out.
 * @returns how many
 */
export async function claimFound(
  store: Store,
  kernel: Pick<Kernel, 'netnsId' | 'bootId'>,
  plans: Iterable<HostPlan>,
  now: number,
): Promise<number> {
  const text = store.get(foundName);
  if (text === undefined) return 0;
  const links: readonly FoundLink[] = JSON.parse(text);
  const standing = links.filter(({ netns, netnsId }) => kernel.netnsId(netns) === netnsId);
  const records = [...plans].flatMap((plan) =>
    standing.flatMap((link) => recordOf(plan, link, kernel.bootId(), now) ?? []),
  );
  let claimed = 0;
  for (const record of records) {
    const unknown = {
      ...record,
      addresses: record.addresses.filter(({ address }) => !isHeld(store, record.key, address)),
    };
    if (unknown.addresses.length === 0 || (await enter(store, unknown)) !== undefined) continue;
    await store.finish(unknown.key, [], emptyResult);
    claimed += 1;
  }
  await keep(
    store,
    standing.filter(
      (link) => !records.some(({ netnsId, key }) => netnsId === link.netnsId && key.ifname === link.ifname),
    ),
  );
  return claimed;
}

async function keep(store: Store, links: readonly FoundLink[]): Promise<void> {
  await store.set(foundName, links.length === 0 ? undefined : JSON.stringify(links));
}

function isHeld(store: Store, { network }: AttachmentKey, address: Address): boolean {
  for (const { key, addresses } of store.attachments.values()) {
    if (key.network === network && addresses.some((held) => sameAddress(held.address, address))) return true;
  }
  return false;
}

function recordOf(plan: HostPlan, link: FoundLink, bootId: string, now: number): AttachmentRecord | undefined {
  const addresses = link.addresses.map(parseAddress).flatMap((address) => {
    const block = blockOf(plan, address);
    return block === undefined ? [] : [{ address, interfaceIndex: block.interfaceIndex, nic: block.interfaceName }];
  });
  if (addresses.length === 0) return undefined;
  const key = { network: plan.network, containerID: `${mark}${link.netnsId}`, ifname: link.ifname };
  const { netns, netnsId } = link;
  return bareRecord(
    { key, netns, netnsId, addresses, masters: mastersOf(key, plan, addresses), createdAt: now },
    bootId,
  );
}

function blockOf({ blocks }: HostPlan, address: Address): Block | undefined {
  return blocks.find(({ podCIDRs }) => podCIDRs.some((pods) => containsAddress(pods, address)));
}

/** Records that stand for the interfaces of these names in a namespace, of one network. */
export function foundIn(
  store: Store,
  network: string,
  netnsId: string,
  names: ReadonlySet<string>,
): readonly AttachmentRecord[] {
  return [...store.attachments.values()].filter(
    ({ key, netnsId: id }) => isFoundKey(key) && key.network === network && id === netnsId && names.has(key.ifname),
  );
}
