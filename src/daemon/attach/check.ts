import { CniError, code } from '../../api/cni-error.ts';
import type { ContainerCall } from '../../cni/types.ts';
import { keyText } from '../../store/key.ts';
import type { AttachContext } from './context.ts';
import { missingOf } from './present.ts';

/**
 * CHECK: every interface and address that ADD answered is in the namespace.
 * @throws CniError 3 for an attachment that is not known, 8 without a namespace, 11 while it is being made or undone, 999 naming
 * all that is missing
 */
export async function check(context: AttachContext, call: ContainerCall): Promise<void> {
  await context.locks.run(call.key.containerID, async () => {
    const name = keyText(call.key);
    const record = context.store.attachments.get(keyText(call.key));
    if (record === undefined) {
      throw new CniError(
        code.unknownContainer,
        `attachment ${name} is not known on this host: it was never added, or deleted`,
      );
    }
    if (record.result === undefined || record.state !== 'ready') {
      throw new CniError(code.tryAgainLater, `attachment ${name} is ${record.state}: delete it and add it again`);
    }
    if (context.kernel.netnsId(call.netns) === undefined) {
      throw new CniError(code.invalidNetns, `CNI_NETNS ${call.netns} of attachment ${name} is no network namespace`);
    }
    const problems = missingOf(record.result, await context.kernel.links(call.netns));
    if (problems.length > 0) {
      throw new CniError(code.internal, `attachment ${name} in ${call.netns}: ${problems.join('; ')}`);
    }
  });
}
