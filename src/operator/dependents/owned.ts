import type { KubeObject } from '../../api/meta.ts';
import { fieldsOf } from '../../kube/calls/json.ts';
import { equal } from '../equal.ts';

/** On what is made for a network: its name. */
export const networkLabel = 'multinic.fms.io/network';

/** Whether an object was made for the network, so that it may be written and deleted: labelled so, or owned by one of the name. */
export function isOfNetwork({ metadata }: KubeObject, network: string): boolean {
  if (metadata.labels?.[networkLabel] === network) return true;
  return (metadata.ownerReferences ?? []).some(({ kind, name }) => kind === 'MultiNicNetwork' && name === network);
}

/** What is due so that an object of ours says what it shall. */
export interface DependentChange {
  /** A merge patch that takes away what is not wanted any more. */
  readonly release?: Readonly<Record<string, unknown>>;
}

/**
 * Undefined when the object says all that is wanted already; what others have added to it stays.
 * @param fields of spec that are ours, wanted or not
 */
export function dependentChange(
  existing: KubeObject,
  wanted: KubeObject,
  fields: readonly string[],
): DependentChange | undefined {
  const have = fieldsOf(existing.spec);
  const want = fieldsOf(wanted.spec);
  const stale = fields.filter((field) => have[field] !== undefined && want[field] === undefined);
  const { labels, ownerReferences = [] } = existing.metadata;
  const owners = wanted.metadata.ownerReferences ?? [];
  // An owner of an earlier network of that name: two controllers are refused.
  const kept = ownerReferences.filter(
    ({ kind, uid }) => kind !== 'MultiNicNetwork' || owners.some((owner) => owner.uid === uid),
  );
  const said =
    Object.entries(want).every(([field, value]) => equal(have[field], value)) &&
    labels?.[networkLabel] === wanted.metadata.labels?.[networkLabel] &&
    owners.every((owner) => ownerReferences.some((one) => equal(one, owner)));
  const release = {
    ...(kept.length < ownerReferences.length && { metadata: { ownerReferences: kept } }),
    ...(stale.length > 0 && { spec: Object.fromEntries(stale.map((field) => [field, null])) }),
  };
  if (Object.keys(release).length > 0) return { release };
  return said ? undefined : {};
}
