import { CniError, code } from '../../../api/cni-error.ts';
import { alternativeName } from '../../../cni/interface-names.ts';
import { isMoved } from '../../../delegates/moved.ts';
import { delAll, keepsBooks, LeftOutside } from '../../../delegates/parallel.ts';
import type { Kernel, Link } from '../../../kernel/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { type AttachContext, delegateContext, lookWith } from '../context.ts';
import { takeOut } from '../lent/give-back.ts';
import { giveBackAll } from '../lent/settle.ts';
import { isReplaced, livingNetns, ourLinks } from '../look/ours.ts';
import { strays } from '../look/strays.ts';
import { removeRules } from './left-rules.ts';
import { sweep } from './sweep.ts';

/** Where a record's links are, with what is there; netns is empty when that namespace stands no more. */
interface Place {
  readonly netns: string;
  readonly links: readonly Link[];
}

/**
 * Undoes an attachment, whatever state it is in: marks it, runs the delegates' DEL, looks that no link of it is left, forgets
 * it; its addresses rest. The caller holds the container's lock.
 * @param also a path under which the caller knows the namespace
 * @throws CniError when a link is still there, or something that only a plugin can see: the record stays `deleting` and keeps its
 * addresses, and is tried again
 */
export async function undo(context: AttachContext, record: AttachmentRecord, also?: string): Promise<void> {
  const { store, log, pools, now } = context;
  const attachment = keyText(record.key);
  if (record.state !== 'deleting') await store.startDelete(record.key);
  await context.step('del:started');
  const { netns, links } = await placeOf(context, record, also);
  const left = netns === '' ? links : await swept(context, record, netns, links);
  const failure = await askDelegates(context, record, netns, left);
  await context.step('del:delegates-done');
  const unsure = ourLinks(record, left).length > 0 || record.result === undefined;
  await giveBackAll(context, record, netns);
  if (netns !== '' && unsure) await removeLeft(context, record, netns, failure);
  if (netns !== '') await removeRules(context, record, netns);
  await context.step('del:links-gone');
  // Links are gone, but an address may still stand in the books of an IPAM plugin, or something of a chained plugin on the host:
  // the record is what frees it, at the next DEL, GC or retry.
  if (failure instanceof LeftOutside || (failure !== undefined && record.calls.some(keepsBooks))) throw failure;
  const released = now();
  await store.remove(record.key, released);
  pools.release(record, released);
  context.changed();
  log.info({ attachment, netns }, 'detached');
  await context.step('del:removed');
}

/** How soon a DEL must have failed for its delegates to be asked again, ms: one that hung hangs again. */
const failedSoonMs = 5_000;

/**
 * DEL of the record's delegates; of those that keep books twice where it fails soon: what is still there is deleted afterwards, and without its
 * link `dhcp` cannot tell the server that an address is free.
 * @returns what failed
 */
async function askDelegates(
  context: AttachContext,
  record: AttachmentRecord,
  netns: string,
  links: readonly Link[],
): Promise<unknown> {
  const { delegates, kernel, log } = context;
  const ask = async (look: ReturnType<typeof lookWith>): Promise<unknown> => {
    try {
      const recorded = record.delegateResults === undefined ? {} : { recorded: record.delegateResults };
      await delAll(delegates, look, record.calls, delegateContext(context, record, netns), recorded);
      return undefined;
    } catch (error) {
      log.warn({ attachment: keyText(record.key), err: error }, 'delegates failed on DEL');
      return error;
    }
  };
  const start = performance.now();
  const failure = await ask(lookWith(kernel, links));
  const again = failure !== undefined && record.calls.some(keepsBooks) && performance.now() - start < failedSoonMs;
  return again ? ask(lookWith(kernel)) : failure;
}

async function placeOf(context: AttachContext, record: AttachmentRecord, also?: string): Promise<Place> {
  const nowhere = { netns: '', links: [] };
  const netns = livingNetns(context.kernel, record, also);
  if (netns === undefined) return nowhere;
  try {
    const links = await context.kernel.links(netns);
    const replaced = isReplaced(record, links, context.store.attachments, context.kernel.bootId());
    return replaced ? nowhere : { netns, links };
  } catch (error) {
    // It may have gone in between.
    if (livingNetns(context.kernel, record, also) === undefined) return nowhere;
    throw error;
  }
}

/** A sweep that cannot be made is no failure: the delegates are asked then. */
async function swept(
  context: AttachContext,
  record: AttachmentRecord,
  netns: string,
  links: readonly Link[],
): Promise<readonly Link[]> {
  try {
    return await sweep(context.kernel, record, netns, links);
  } catch (error) {
    context.log.debug({ attachment: keyText(record.key), err: error }, 'links could not be deleted at once');
    return links;
  }
}

/**
 * With static addresses a link is all that a delegate leaves: when none is left, a delegate that failed (or is not there any
 * more) does not matter; one that is left is deleted here.
 */
async function removeLeft(
  context: AttachContext,
  record: AttachmentRecord,
  netns: string,
  cause: unknown,
): Promise<void> {
  const left = async (): Promise<readonly Link[]> => {
    if (livingNetns(context.kernel, record, netns) === undefined) return [];
    const links = await context.kernel.links(netns);
    return [...ourLinks(record, links), ...strays(record, links)];
  };
  const found = await left();
  if (found.length === 0) return;
  const moved = new Set(record.calls.filter(isMoved).map(({ ifname }) => ifname));
  const made = found.filter(({ name }) => !moved.has(name)).map(({ name }) => name);
  const devices = found.filter(({ name }) => moved.has(name));
  const problems = [
    ...(await deleteLinks(context.kernel, netns, made)),
    ...(await takeOutUnknown(context, netns, devices, record.key.ifname)),
  ];
  if ((await left()).length === 0) return;
  throw new CniError(
    code.internal,
    `attachment ${keyText(record.key)}: ${problems.join('; ')}; its addresses are kept until a DEL succeeds`,
    cause instanceof Error ? cause.message : '',
    cause,
  );
}

/**
 * Devices that a plugin moved in, and of which nothing is known here: out, under the name that it left in their alias. Never deleted.
 * @param ifname CNI_IFNAME of the attachment: the altname that it gave stays behind
 * @returns one sentence for each that stays
 */
export async function takeOutUnknown(
  context: Pick<AttachContext, 'kernel' | 'log'>,
  netns: string,
  links: readonly Link[],
  ifname: string,
): Promise<readonly string[]> {
  const isOther = (name: string): boolean => name !== alternativeName(ifname);
  const problems: string[] = [];
  for (const link of links) {
    const problem =
      link.alias === undefined
        ? `device ${link.name} in ${netns} is not out, and has no alias that tells its name on the host`
        : await takeOut(context, netns, link, link.alias, link.altnames.filter(isOther));
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

/** Deletes links of a namespace. @returns one sentence for each that could not be deleted */
export async function deleteLinks(kernel: Kernel, netns: string, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const answers = await kernel.batch(
    names.map((name) => ['link', 'del', 'dev', name]),
    netns,
  );
  return answers.flatMap((said, index) =>
    said === undefined ? [] : [`interface ${names[index]} in ${netns} cannot be deleted: ${said}`],
  );
}
