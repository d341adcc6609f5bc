import { apiVersion } from '../../api/schema.ts';
import { equal } from '../equal.ts';
import { type Nad, resourceAnnotation } from './nad.ts';

/** What has to be done so that a NAD that is ours says what it shall. Both are over the very version that was looked at. */
export interface NadChange {
  /** A merge patch that takes away what we, or a network of the same name before, put there and apply no more. */
  readonly release?: Readonly<Record<string, unknown>>;
  /** Server-side apply of our fields alone: those that others hold stay. */
  readonly apply: Nad;
}

/** Undefined when the NAD says so already. */
export function nadChange(existing: Nad, wanted: Nad): NadChange | undefined {
  const release = releaseOf(existing, wanted);
  return release === undefined && saysAll(existing, wanted)
    ? undefined
    : { ...(release && { release }), apply: wanted };
}

function saysAll(existing: Nad, wanted: Nad): boolean {
  const { labels, annotations, ownerReferences = [] } = existing.metadata;
  const within = (have: Record<string, string> | undefined, want: Record<string, string> | undefined): boolean =>
    Object.entries(want ?? {}).every(([key, value]) => have?.[key] === value);
  return (
    existing.spec?.config === wanted.spec?.config &&
    within(labels, wanted.metadata.labels) &&
    within(annotations, wanted.metadata.annotations) &&
    (wanted.metadata.ownerReferences ?? []).every((owner) => ownerReferences.some((one) => equal(one, owner)))
  );
}

/**
 * The fields were made by POST, so apply would not take them away: the owner that is gone (two controllers are refused), and the
 * resource of a plugin that takes devices, when the network is of another now.
 */
function releaseOf(existing: Nad, wanted: Nad): NadChange['release'] {
  const owners = existing.metadata.ownerReferences ?? [];
  const ours = wanted.metadata.ownerReferences ?? [];
  const kept = owners.filter(
    (owner) =>
      owner.kind !== 'MultiNicNetwork' || owner.apiVersion !== apiVersion || ours.some((one) => one.uid === owner.uid),
  );
  const staleResource =
    existing.metadata.annotations?.[resourceAnnotation] !== undefined &&
    wanted.metadata.annotations?.[resourceAnnotation] === undefined &&
    /"type":"(sriov|host-device)"/.test(existing.spec?.config ?? '');
  if (kept.length === owners.length && !staleResource) return undefined;
  return {
    metadata: {
      ...(kept.length < owners.length && { ownerReferences: kept }),
      ...(staleResource && { annotations: { [resourceAnnotation]: null } }),
    },
  };
}
