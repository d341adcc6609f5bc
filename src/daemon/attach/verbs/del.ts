import { interfaceNames } from '../../../cni/interface-names.ts';
import { later } from '../../../cni/stamp.ts';
import type { AttachmentKey, CniResult, ContainerCall, Stamp } from '../../../cni/types.ts';
import type { Link } from '../../../kernel/types.ts';
import { keyText } from '../../../store/key.ts';
import { foundIn } from '../../recovery/found.ts';
import type { AttachContext } from '../context.ts';
import { hasMac } from '../look/present.ts';
import { askForUnknown } from '../reserve/unknown-devices.ts';
import { deleteLinks, takeOutUnknown, undo } from '../undo/undo.ts';

/** No host has more NICs on one network. */
const mostNics = 64;

/** What shall be gone, and when the request for it started. */
export interface Detach {
  readonly key: AttachmentKey;
  readonly stamp: Stamp;
  /** Where the caller says that it is; the record's own place counts first. */
  readonly netns?: string;
}

/**
 * DEL: from the record, else from prevResult, else nothing to do. Never an error for things already gone.
 * @throws CniError when something of the attachment is still there; the record stays, the next DEL goes on
 */
export async function del(context: AttachContext, call: ContainerCall): Promise<void> {
  const { prevResult } = call.conf;
  await detach(context, call, async () => {
    if (prevResult !== undefined) {
      await askForUnknown(context, call, prevResult);
      await removeListed(context, call, prevResult);
    }
    await forgetFound(context, call);
  });
}

/** Addresses of which a lost store left no more than their place in the namespace: the runtime says now whose they were. */
async function forgetFound(context: AttachContext, { netns, key, conf }: ContainerCall): Promise<void> {
  const netnsId = context.kernel.netnsId(netns);
  if (netnsId === undefined) return;
  const listed = conf.prevResult?.interfaces.map(({ name }) => name) ?? interfaceNames(key.ifname, mostNics);
  for (const record of foundIn(context.store, key.network, netnsId, new Set([key.ifname, ...listed]))) {
    await context.locks.run(record.key.containerID, async () => {
      if (context.store.attachments.get(keyText(record.key)) === record) await undo(context, record, netns);
    });
  }
}

/**
 * Undoes the attachment of the key if its ADD started before the request; a later ADD is left alone. The request is
 * remembered, so that an ADD that started before it and comes late is refused.
 * @param unknown what to do where no record tells what was made, before any other call of the container
 */
export async function detach(context: AttachContext, request: Detach, unknown?: () => Promise<void>): Promise<void> {
  const { store, kernel, locks, now } = context;
  await locks.run(request.key.containerID, async () => {
    const record = store.attachments.get(keyText(request.key));
    if (record === undefined) {
      await store.noteDelete(request.key, request.stamp, now());
      await unknown?.();
      return;
    }
    if (!later(request.stamp, record.stamp, kernel.bootId())) {
      context.log.info({ attachment: keyText(request.key) }, 'DEL dropped: it started before the ADD that is served');
      return;
    }
    // In one commit with the record's mark: both are on disk before anything is undone.
    await Promise.all([store.noteDelete(request.key, request.stamp, now()), undo(context, record, request.netns)]);
    // Learned from an IPPool, which does not tell what was made.
    if (record.calls.length === 0) await unknown?.();
  });
}

/** Without a record only links that the result names, with the MAC it gives, are ours for certain. */
async function removeListed(context: AttachContext, { netns, key }: ContainerCall, result: CniResult): Promise<void> {
  if (netns === '' || context.kernel.netnsId(netns) === undefined) return;
  if (context.kernel.netnsId(netns) === context.kernel.netnsId(context.ownNetns)) return;
  const links = await context.kernel.links(netns);
  const listed = links.filter((link) =>
    result.interfaces.some(
      (wanted) =>
        wanted.sandbox !== undefined &&
        wanted.sandbox !== '' &&
        wanted.mac !== undefined &&
        wanted.name === link.name &&
        hasMac(link, wanted),
    ),
  );
  // A device with a plugin's alias was moved in: it goes out.
  const isDevice = ({ alias, kind }: Link): boolean => kind === undefined || alias !== undefined;
  await takeOutUnknown(context, netns, listed.filter(isDevice), key.ifname);
  const made = listed.filter((link) => !isDevice(link));
  await deleteLinks(
    context.kernel,
    netns,
    made.map(({ name }) => name),
  );
}
