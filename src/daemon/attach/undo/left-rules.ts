import { CniError, code } from '../../../api/cni-error.ts';
import type { IpCommand, Rule } from '../../../kernel/types.ts';
import { bitsOf } from '../../../net/address.ts';
import { formatPrefix, prefixOf, samePrefix } from '../../../net/prefix.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { livingNetns } from '../look/ours.ts';
import { chainedRules } from '../look/present-rules.ts';

/**
 * Deletes rules of `sbr` and of source routing that are still in the pod: they do not go with the interface, as its routes do, and the DEL
 * of `sbr` finds them no more once the addresses are gone.
 * @throws CniError when one is left
 */
export async function removeRules(context: AttachContext, record: AttachmentRecord, netns: string): Promise<void> {
  if (!record.calls.some(({ chain = [], source }) => source !== undefined || chain.some(isSbr))) return;
  const { kernel } = context;
  const made = [
    ...chainedRules(record.calls, record.delegateResults ?? []).map(({ from }) => from),
    // Of an ADD that was never answered.
    ...record.addresses.map(({ address }) => prefixOf(address, bitsOf(address.family))),
  ];
  const left = async (): Promise<readonly Rule[]> => {
    if (livingNetns(kernel, record, netns) === undefined) return [];
    const families = [...new Set(made.map(({ family }) => family))];
    const rules = (await Promise.all(families.map((family) => kernel.rules({ family, netns })))).flat();
    return rules.filter(({ from, to, special }) => {
      return !special && to === undefined && from !== undefined && made.some((own) => samePrefix(own, from));
    });
  };
  const found = await left();
  if (found.length === 0) return;
  await kernel.batch(found.map(deletion), netns);
  const still = await left();
  if (still.length === 0) return;
  throw new CniError(
    code.internal,
    `attachment ${keyText(record.key)}: ${still.length} rules in ${netns} cannot be deleted; its addresses are kept until a DEL succeeds`,
  );
}

function isSbr({ plugin }: { readonly plugin: string }): boolean {
  return plugin === 'sbr';
}

function deletion({ family, from, table, priority }: Rule): IpCommand {
  const words = ['rule', 'del', 'from', from === undefined ? 'all' : formatPrefix(from), 'lookup', String(table)];
  return [...(family === 6 ? ['-6'] : []), ...words, 'pref', String(priority)];
}
