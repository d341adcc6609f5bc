import { CniError, code } from '../api/cni-error.ts';
import { messageOf } from '../api/message-of.ts';
import type { CniResult } from '../cni/types.ts';
import { type Address, sameAddress } from '../net/address.ts';
import { addChain, checkChain, delChain } from './chain.ts';
import { type DelegateContext, type Delegates, undoing } from './exec.ts';
import { isMoved } from './moved.ts';
import { givenAddresses, ipamOf } from './static-ipam.ts';
import type { DelegateCall } from './types.ts';

/** As much of a link of a pod as is looked at; src/kernel's Link is one. */
export interface SeenLink {
  readonly name: string;
  readonly mac: string;
  readonly addresses: readonly { readonly address: Address; readonly scope: string }[];
}

/** Links in a namespace, undefined when there is no such namespace. */
export type Look = (netns: string) => Promise<readonly SeenLink[] | undefined>;

/**
 * ADD of all calls with their chains, side by side, with the last results in their order; addresses that are for `planAddresses` are
 * among them, but not on links yet. When one fails, every one is undone before this throws, the failed one too (the ipvlan plugin
 * leaves its link when a later step of ADD fails).
 * @throws CniError of the first failed call; `details` has the others, and what could not be undone
 */
export async function addAll(
  delegates: Delegates,
  look: Look,
  calls: readonly DelegateCall[],
  context: DelegateContext,
): Promise<readonly CniResult[]> {
  const outcomes = await Promise.allSettled(calls.map((call) => addChain(delegates, call, context)));
  const results = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  if (results.length === calls.length) return results;
  const failures = errorsOf(outcomes);
  try {
    await delAll(delegates, look, calls, undoing(context), { started: true });
  } catch (error) {
    failures.push(asCniError(error));
  }
  throw merged(failures);
}

/** Something of an attachment may be left where only the plugin that made it can see it: outside of the pod. */
export class LeftOutside extends CniError {}

/**
 * DEL of all calls, side by side. Looks first: a call whose interface is not there, or is another's (its MAC differs from
 * the recorded one, or it carries an address that the call did not give), has nothing to delete; it is run all the same when
 * its IPAM plugin keeps books, and what is chained to it may have left something outside of the pod. A failed DEL whose interface
 * is gone afterwards is a success, but for plugins that are chained and of which nothing is known.
 * @param known `recorded`: results of ADD by position, as far as there are any; `started`: ADD has just failed, so that each call
 * that was started gets its DEL (CNI specification, section 4), whether there is an interface or not
 * @throws CniError with all that could not be deleted, LeftOutside when a chained plugin is among it of which nothing is known
 */
export async function delAll(
  delegates: Delegates,
  look: Look,
  calls: readonly DelegateCall[],
  context: DelegateContext,
  { recorded = [], started = false }: { readonly recorded?: readonly CniResult[]; readonly started?: boolean } = {},
): Promise<void> {
  const links = await linksIn(look, context.netns);
  const mine = (call: DelegateCall, index: number, seen: typeof links): boolean =>
    seen === 'unknown' || seen.some((link) => isLinkOf(link, call, recorded[index]));
  const foreign = (call: DelegateCall, index: number): boolean =>
    links !== 'unknown' && links.some((link) => link.name === call.ifname) && !mine(call, index, links);

  const due = calls
    .map((call, index) => ({ call, index }))
    .filter(({ call, index }) => !foreign(call, index))
    .map(({ call, index }) => ({ call, index, there: started || mine(call, index, links) }))
    .filter(({ call, there }) => there || keepsBooks(call) || call.chain !== undefined);
  const failed = await Promise.all(
    due.map(async ({ call, index, there }) => {
      const how = { recorded: recorded[index], there, main: there || keepsBooks(call) };
      return { call, index, failures: await delChain(delegates, call, context, how) };
    }),
  );
  if (failed.every(({ failures }) => failures.length === 0)) return;
  const after = await linksIn(look, context.netns);
  const left = failed.flatMap(({ call, index, failures }) => {
    const all = keepsBooks(call) || mine(call, index, after);
    return failures.filter(({ outside }) => all || outside).map(({ error }) => asCniError(error));
  });
  const outside = failed.some(({ failures }) => failures.some((failure) => failure.outside));
  if (left.length > 0) throw merged(left, outside ? LeftOutside : CniError);
}

/**
 * CHECK of all calls with their chains, side by side, each with its own result.
 * @throws CniError of the first that failed; `details` has the others
 */
export async function checkAll(
  delegates: Delegates,
  calls: readonly DelegateCall[],
  context: DelegateContext,
  recorded: readonly CniResult[],
): Promise<void> {
  const checked = calls.map((call, index) => checkChain(delegates, call, context, recorded[index]));
  const failures = errorsOf(await Promise.allSettled(checked));
  if (failures.length > 0) throw merged(failures);
}

/**
 * Names of the links that are all that these calls left: there, theirs by the same look as DEL's, and given their addresses by
 * nobody who keeps books, with nothing chained; never a device that was moved in. Deleting them is all that DEL of their delegates would do.
 * @param recorded results of ADD by position, as far as there are any
 */
export function bareLinks(
  calls: readonly DelegateCall[],
  links: readonly SeenLink[],
  recorded: readonly CniResult[] = [],
): string[] {
  return calls
    .filter((call) => call.chain === undefined && !keepsBooks(call) && !isMoved(call))
    .filter((call) => links.some((link) => isLinkOf(link, call, recorded[calls.indexOf(call)])))
    .map((call) => call.ifname);
}

async function linksIn(look: Look, netns: string): Promise<readonly SeenLink[] | 'unknown'> {
  if (netns === '') return [];
  try {
    return (await look(netns)) ?? [];
  } catch {
    return 'unknown';
  }
}

function isLinkOf(link: SeenLink, call: DelegateCall, recorded: CniResult | undefined): boolean {
  if (link.name !== call.ifname) return false;
  const mac = recorded?.interfaces.find((wanted) => wanted.name === call.ifname)?.mac;
  if (mac !== undefined) return mac.toLowerCase() === link.mac.toLowerCase();
  // Whatever address an IPAM plugin gave; ADD saw that the name was free.
  if (keepsBooks(call)) return true;
  const given = givenAddresses(call);
  const held = link.addresses.filter(({ scope }) => scope === 'global');
  return held.every(({ address }) => given.some((own) => sameAddress(own, address)));
}

/**
 * Whether something is remembered until DEL: by a call's IPAM plugin (not `static`), what it gave; by sriov-cni, that the virtual
 * function is taken and what it was like before.
 */
export function keepsBooks(call: DelegateCall): boolean {
  return call.plugin === 'sriov' || hasOtherIpam(call);
}

/** Whether another IPAM plugin than `static` gives addresses, of which nothing is known before. */
export function hasOtherIpam(call: DelegateCall): boolean {
  const type = ipamOf(call)['type'];
  return type !== undefined && type !== 'static';
}

function errorsOf(outcomes: readonly PromiseSettledResult<unknown>[]): CniError[] {
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [asCniError(outcome.reason)] : []));
}

function asCniError(error: unknown): CniError {
  if (error instanceof CniError) return error;
  return new CniError(code.internal, messageOf(error), '', error);
}

function merged(errors: readonly CniError[], Kind = CniError): CniError {
  const [first, ...others] = errors;
  if (first === undefined) return new CniError(code.internal, 'a delegate failed without a reason');
  const details = [first.details, ...others.map((error) => error.message)].filter((part) => part !== '').join('; ');
  return new Kind(first.code, first.message, details, first);
}
