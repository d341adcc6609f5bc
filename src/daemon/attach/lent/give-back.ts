import { createHash } from 'node:crypto';
import { routeProtocol } from '../../../hostroute/constants.ts';
import { refusals } from '../../../kernel/batch.ts';
import type { Link, SavedLink } from '../../../kernel/types.ts';
import { findLent } from '../../../nic/lent.ts';
import { renaming, restoring, unlike } from '../../../nic/restore.ts';
import type { LentNic } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { pciOn } from './lend.ts';

/** How long a NIC that is back may be without carrier until that is what it is, ms. */
const carrierMs = 10_000;

/** What became of an attempt to give a NIC back. */
export type Back =
  | { readonly kind: 'back' }
  /** It is neither on the host nor in that namespace. */
  | { readonly kind: 'absent' }
  /** It is as it was, but its cable is not noticed yet: for a moment it stays taken, and known as it was. */
  | { readonly kind: 'settling' }
  /** It is where it was, or not yet what it was. One sentence. */
  | { readonly kind: 'kept'; readonly inPod: boolean; readonly problem: string };

/**
 * Gives a NIC back to the host as it was: out of the pod, its own name, MTU, addresses, up or down. Looks first, so that it may be
 * called again at whatever point it was cut off. Another boot has brought the NIC back by itself, and the host's own settings with it.
 * @param netns of the pod, empty when it stands no more
 * @param keep still somebody's: it is restored, but stays theirs
 */
export async function giveBack(
  context: AttachContext,
  lent: LentNic,
  netns: string,
  { keep = false }: { readonly keep?: boolean } = {},
): Promise<Back> {
  const { kernel, store, log } = context;
  // Given back meanwhile, by another call; it may be somebody else's by now.
  if (store.lent.get(lent.name) !== lent) return { kind: 'back' };
  if (lent.bootId !== kernel.bootId()) {
    if (!keep) await store.returned(lent.name);
    return { kind: 'back' };
  }
  let link = await onHost(context, lent);
  if (link === undefined && netns !== '') {
    const inPod = findLent(lent, await kernel.links(netns));
    if (inPod !== undefined) {
      const refused = await takeOut(context, netns, inPod, lent.name, lent.saved.altnames);
      if (refused !== undefined) return { kind: 'kept', inPod: true, problem: refused };
      await context.step('lent:out');
      link = await onHost(context, lent);
    }
  }
  if (link === undefined) return { kind: 'absent' };
  const { problems, after } = await restore(context, lent, link.name);
  if (problems.length > 0) {
    return { kind: 'kept', inPod: false, problem: `NIC ${lent.name} is not as it was: ${problems.join('; ')}` };
  }
  await context.step('lent:restored');
  if (keep) return { kind: 'back' };
  if (isSettling(context, lent, after)) return { kind: 'settling' };
  context.restoredAt.delete(lent.name);
  await store.returned(lent.name);
  log.info({ nic: lent.name, ...lent.key }, 'NIC is back on the host as it was');
  context.changed();
  await context.step('lent:returned');
  return { kind: 'back' };
}

/** A link that has just come up has no carrier for up to a second, and longer where the other side has to agree. */
function isSettling({ restoredAt, now }: AttachContext, { name, saved }: LentNic, link?: SavedLink): boolean {
  if (!saved.carrier || link?.carrier !== false) return false;
  const since = restoredAt.get(name) ?? now();
  restoredAt.set(name, since);
  return now() - since < carrierMs;
}

async function onHost({ kernel }: AttachContext, lent: LentNic): Promise<Link | undefined> {
  return findLent(lent, await kernel.links(), pciOn(kernel));
}

/** @returns what is not as it was, none when all is, and what it is like then */
async function restore(
  { kernel, now, log }: AttachContext,
  { saved, savedAt, name }: LentNic,
  current: string,
): Promise<{ readonly problems: readonly string[]; readonly after?: SavedLink }> {
  const elapsed = Math.max(0, (now() - savedAt) / 1000);
  const unnamed = (await kernel.batch(renaming(current, name))).at(-1);
  if (unnamed !== undefined) return { problems: [`it is ${current} and cannot be named ${name}: ${unnamed}`] };
  const before = await kernel.save(name, routeProtocol);
  if (before === undefined) return { problems: ['it was on the host and has gone again'] };
  const commands = restoring(saved, before, elapsed);
  const answers = await kernel.batch(commands);
  const refused = refusals(
    commands,
    answers.map((said) => (said !== undefined && /File exists/.test(said) ? undefined : said)),
  );
  const after = await kernel.save(name, routeProtocol);
  if (after === undefined) return { problems: [...refused, 'it has gone again'] };
  const missing = unlike(saved, after, elapsed);
  // What the kernel refused and nothing is missing for is a route: the NIC can be used without it.
  if (missing.length === 0 && refused.length > 0) log.warn({ nic: name, refused }, 'not all routes of a NIC are back');
  return { problems: missing.length === 0 ? [] : [...missing, ...refused], after };
}

/**
 * Moves a link out of a pod to the host, down, under its own name; where another link has that name meanwhile, under a passing one.
 * Altnames that it did not have before stay behind: the host may have the same on another NIC.
 * @returns why it could not be moved
 */
export async function takeOut(
  { kernel, log }: Pick<AttachContext, 'kernel' | 'log'>,
  netns: string,
  link: Link,
  name: string,
  altnames: readonly string[],
): Promise<string | undefined> {
  const own = link.name;
  const extra = link.altnames.filter((one) => !altnames.includes(one));
  const prepare = [
    ['link', 'set', 'dev', own, 'down'],
    ...extra.map((one) => ['link', 'property', 'del', 'dev', own, 'altname', one]),
    ...(link.alias === name ? [] : [['link', 'set', 'dev', own, 'alias', name]]),
  ];
  const move = (as: string): string[] => ['link', 'set', 'dev', own, 'netns', kernel.ownNetns, 'name', as];
  const said = (await kernel.batch([...prepare, move(name)], netns)).at(-1);
  if (said === undefined) return undefined;
  // Where the name is taken, the kernel may have moved it all the same, under that of the pod.
  const passing = `mnic${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  await kernel.batch([move(passing)], netns);
  const left = (await kernel.links(netns)).some(({ index, mac }) => index === link.index && mac === link.mac);
  if (left) return `NIC ${name} cannot be moved out of ${netns}, where it is ${own}: ${said}`;
  log.warn({ nic: name, said }, 'a NIC came back under a passing name');
  return undefined;
}
