import type { CniResult } from '../../../cni/types.ts';
import { planAddresses } from '../../../delegates/addressing.ts';
import { directResult, planDirect } from '../../../delegates/direct.ts';
import type { DelegateContext } from '../../../delegates/exec.ts';
import { delegateError } from '../../../delegates/failure.ts';
import { addAll, hasOtherIpam } from '../../../delegates/parallel.ts';
import { hasStaticIpv6 } from '../../../delegates/static-ipam.ts';
import type { DelegateCall } from '../../../delegates/types.ts';
import type { IpCommand, Link } from '../../../kernel/types.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { type AttachContext, lookWith } from '../context.ts';

/** What stands when an executor is done. */
export interface Made {
  /** By position of the record's calls. */
  readonly delegateResults: readonly CniResult[];
  /** What the kernel said to the commands that followed, by position; undefined where it obeyed. */
  readonly answers: readonly (string | undefined)[];
  /** Links in the pod afterwards. */
  readonly links: readonly Link[];
}

/** How an attachment's calls are carried out: no address on a link, no NIC in the pod before the record is on disk. Whoever calls undoes what is left of a failure. */
export interface Executor {
  /** Before any link is there. */
  prepare(): Promise<void>;
  /** @param after commands in the pod, once all links are there. @throws CniError naming NIC and delegate */
  make(running: DelegateContext, after: readonly IpCommand[]): Promise<Made>;
}

/**
 * Two batches of our own where they come to the same as the delegates: every call plain (direct.ts), every delegate the reference
 * plugin; else the delegates themselves.
 */
export async function executorFor(context: AttachContext, record: AttachmentRecord, netns: string): Promise<Executor> {
  const direct = planDirect(record.key, record.calls, netns, ipv6Of(record));
  if (direct === undefined || !(await areReference(context, record))) return byDelegates(context, record, netns);
  const { kernel, delegates, store } = context;
  const { calls, key } = record;
  return {
    prepare: async () => {},
    async make(_running, after) {
      // A daemon that comes back ends what an earlier one left, before it frees an address.
      const marks = delegates.marks(key);
      const creating = kernel.batch(direct.create, undefined, { marks });
      const { sysctls, lines } = direct.finish();
      const commands = [...lines.map(({ line }) => line), ...after];
      const created = await creating;
      created.forEach((said, index) => requireDone(calls[index], said));
      await context.step('add:delegates');
      // Links without addresses were made while the disk took the record.
      await store.synced();
      const { answers, links } = await kernel.batchThenLinks(commands, netns, { sysctls, marks });
      for (const [index, { call }] of lines.entries()) requireDone(call, answers[index]);
      return {
        delegateResults: calls.map((call) => directResult(call, linkOf(call, links), netns)),
        answers: answers.slice(lines.length),
        links,
      };
    },
  };
}

function byDelegates(context: AttachContext, record: AttachmentRecord, netns: string): Executor {
  const { kernel, delegates, store } = context;
  return {
    prepare: () => prepareIpv6(context, record, netns),
    async make(running, after) {
      await store.synced();
      const delegateResults = await addAll(delegates, lookWith(kernel), record.calls, running);
      await context.step('add:delegates');
      const { sysctls, lines, announcements } = planAddresses(record.calls, delegateResults);
      const commands = [...lines.map(({ line }) => line), ...announcements, ...after];
      const options = { sysctls, marks: delegates.marks(record.key) };
      const { answers, links } = await kernel.batchThenLinks(commands, netns, options);
      for (const [index, { call, line }] of lines.entries()) requireAddressed(call, line, answers[index], links);
      return { delegateResults, answers: answers.slice(lines.length + announcements.length), links };
    },
  };
}

async function areReference(
  { isReference, delegates }: AttachContext,
  { calls, path }: AttachmentRecord,
): Promise<boolean> {
  if (isReference === undefined) return false;
  for (const plugin of new Set(calls.map((call) => call.plugin))) {
    if (!(await isReference(delegates.find(path, plugin), plugin))) return false;
  }
  return true;
}

function requireDone(call: DelegateCall | undefined, said: string | undefined): void {
  if (call === undefined || said === undefined) return;
  throw delegateError({ nic: call.nic, plugin: call.plugin, verb: 'ADD' }, `failed: ${said}`);
}

function requireAddressed(call: DelegateCall, line: IpCommand, said: string | undefined, links: readonly Link[]): void {
  if (said === undefined) return;
  const { name } = linkOf(call, links);
  const subject = { nic: call.nic, plugin: call.plugin, verb: 'ADD' } as const;
  throw delegateError(subject, `made interface ${name}, but \`ip ${line.join(' ')}\` failed: ${said}`);
}

function linkOf(call: DelegateCall, links: readonly Link[]): Link {
  const link = links.find(({ name }) => name === call.ifname);
  if (link !== undefined) return link;
  throw delegateError({ nic: call.nic, plugin: call.plugin, verb: 'ADD' }, `made no interface ${call.ifname}`);
}

/** On IPv4-only networks too: nothing is taken from router advertisements of the fabric. */
const deaf = { accept_ra: '0', autoconf: '0' };
/**
 * Addresses come from a book (the host's own, or an IPAM plugin's), so they need no duplicate detection: without `accept_dad` they would wait for up to a
 * second (a random delay that `dad_transmits` does not shorten). Announced instead, as a peer may know a reused address
 * under another MAC.
 */
const ownAddresses = { accept_dad: '0', dad_transmits: '0', ndisc_notify: '1' };

function hasIpv6(record: AttachmentRecord): boolean {
  return record.addresses.some(({ address }) => address.family === 6) || record.calls.some(hasStaticIpv6);
}

function ipv6Of(record: AttachmentRecord): Readonly<Record<string, string>> {
  return hasIpv6(record) || record.calls.some(hasOtherIpam) ? { ...deaf, ...ownAddresses } : deaf;
}

/** For links to come, as delegates make them up at once. */
async function prepareIpv6({ kernel }: AttachContext, record: AttachmentRecord, netns: string): Promise<void> {
  const values = Object.entries(ipv6Of(record)).map(([name, value]) => [`net.ipv6.conf.default.${name}`, value]);
  await kernel.setSysctls(Object.fromEntries(values), netns);
}
