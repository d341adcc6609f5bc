import type { CIDR } from '../../api/kinds/cidr.ts';
import type { CIDRSlice } from '../../api/kinds/cidrslice.ts';
import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { apiVersion } from '../../api/schema.ts';
import { writeLedger as specsOf } from '../../ipam/ledger.ts';
import type { Ledger } from '../../ipam/types.ts';
import { equal } from '../equal.ts';
import { ownerReference } from '../nads/nad.ts';

/** What has to be written or deleted so that the objects hold the ledger. */
export interface LedgerWrites {
  readonly cidr?: CIDR;
  readonly slices: readonly CIDRSlice[];
  readonly deleteSlices: readonly CIDRSlice[];
}

/** Compares the objects with what the ledger says. Objects carry their resourceVersion: they replace that very version only. */
export function ledgerWrites(
  owner: MultiNicNetwork,
  ledger: Ledger,
  cidr: CIDR | undefined,
  slices: readonly CIDRSlice[],
): LedgerWrites {
  const { name, uid = '' } = owner.metadata;
  const wanted = specsOf({ name, uid }, ledger);
  const known = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  const names = new Set(wanted.slices.map((slice) => slice.name));
  const head: CIDR = { ...frame<CIDR>('CIDR', name, owner, cidr), spec: { ...cidr?.spec, ...wanted.cidr } };
  return {
    ...(!equal(cidr?.spec, head.spec) && { cidr: head }),
    slices: wanted.slices
      .filter((slice) => !equal(known.get(slice.name)?.spec, slice.spec))
      .map((slice) => ({
        ...frame<CIDRSlice>('CIDRSlice', slice.name, owner, known.get(slice.name)),
        spec: slice.spec,
      })),
    deleteSlices: slices.filter((slice) => !names.has(slice.metadata.name)),
  };
}

/** Kind and metadata: those of the object that exists, or of one that goes with its network. */
function frame<T extends CIDR | CIDRSlice>(
  kind: string,
  name: string,
  owner: MultiNicNetwork,
  existing: T | undefined,
): Pick<T, 'apiVersion' | 'kind' | 'metadata'> {
  const metadata = existing?.metadata ?? { name, ownerReferences: [ownerReference(owner)] };
  return { apiVersion, kind, metadata };
}
