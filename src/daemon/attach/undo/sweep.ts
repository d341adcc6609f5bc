import { bareLinks } from '../../../delegates/parallel.ts';
import type { IpCommand, Kernel, Link } from '../../../kernel/types.ts';
import type { AttachmentRecord } from '../../../store/types.ts';

/** Group that links are put in on their way out; no one else's links are in it ("mnic" as a number). */
const leaving = String(0x6d_6e_69_63);

/**
 * Deletes a record's links at once, as far as a link is all that its delegate left. Each deletion waits for an RCU grace period
 * (about 20 ms) under the kernel's one lock for links: by group the wait is for all together, in parallel plugins it is one for each.
 * What is left, for whatever reason, is for the delegates.
 * @returns the links of the namespace afterwards
 */
export async function sweep(
  kernel: Kernel,
  record: AttachmentRecord,
  netns: string,
  links: readonly Link[],
): Promise<readonly Link[]> {
  const names = bareLinks(record.calls, links, record.delegateResults);
  if (names.length === 0) return links;
  const { links: left } = await kernel.batchThenLinks(deletion(names), netns);
  return left;
}

function deletion(names: readonly string[]): IpCommand[] {
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return [['link', 'del', 'dev', only]];
  return [...names.map((name) => ['link', 'set', 'dev', name, 'group', leaving]), ['link', 'del', 'group', leaving]];
}
