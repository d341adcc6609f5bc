import type { SliceHost } from '../../api/kinds/cidrslice.ts';
import type { ClaimStatus, PublishedNetwork } from '../../api/kinds/hostinterface.ts';
import { counted, listed } from '../../api/words.ts';

/** One host of a network that is being deleted, as the API objects show it. */
export interface DrainHost {
  readonly hostName: string;
  readonly nodeExists: boolean;
  /** The network's entry in HostInterface.status. */
  readonly published?: PublishedNetwork;
  /** What the daemon says of it. */
  readonly claim?: ClaimStatus;
  /** Its entry in the ledger. */
  readonly entry?: SliceHost;
  /** The network's IPPools of the host. */
  readonly pools: readonly { readonly name: string; readonly allocated: number }[];
  /** Attachments that those pools report. */
  readonly attachments: number;
}

/**
 * Where a deletion stands.
 * - `Stopping`: pods may still be there; `publish` says what hosts shall read, `bump` whose ledger entry must rise first.
 * - `Withdrawing`: all is empty; the blocks are taken out of the hosts' status and the daemons drop what they have.
 * - `Removing`: no daemon knows the network any more; its objects may go.
 */
export interface DrainStep {
  readonly phase: 'Stopping' | 'Withdrawing' | 'Removing';
  /** Ledger entries as they must stand before anything is published. */
  readonly bump: readonly SliceHost[];
  /** What HostInterface.status shall say, by host; a host that is absent: nothing. */
  readonly publish: ReadonlyMap<string, PublishedNetwork>;
  /** Pools of hosts that are gone: their daemon does not come back to delete them. */
  readonly deletePools: readonly string[];
  /** What it waits for, for people. */
  readonly message: string;
}

/**
 * The next step of a deletion, from what is observed alone: a restart in the middle goes on where it stands.
 * @param uid of the network: claims of another network that had the name before do not count
 * @param force do not wait for hosts (annotation)
 */
export function drainStep(uid: string, hosts: readonly DrainHost[], force: boolean): DrainStep {
  const present = hosts.filter((host) => host.nodeExists);
  const deletePools = hosts.filter((host) => !host.nodeExists).flatMap((host) => host.pools.map((pool) => pool.name));
  const published = present.filter((host) => host.published !== undefined);
  const waiting = force ? [] : published.filter((host) => !isEmpty(uid, host));
  if (waiting.length > 0) {
    const stops = published.flatMap(stopOf);
    return {
      phase: 'Stopping',
      bump: stops.flatMap((stop) => stop.bump ?? []),
      publish: new Map(stops.map((stop) => [stop.hostName, stop.entry])),
      deletePools,
      message: waitingMessage(waiting),
    };
  }
  const holding = force ? [] : present.filter((host) => host.claim?.uid === uid || host.pools.length > 0);
  const withdrawn = hosts.every((host) => host.published === undefined);
  const done = withdrawn && holding.length === 0 && deletePools.length === 0;
  const names = (holding.length > 0 ? holding : hosts).map((host) => host.hostName);
  return {
    phase: done ? 'Removing' : 'Withdrawing',
    bump: [],
    publish: new Map(),
    deletePools,
    message: done
      ? 'removing its objects'
      : `no attachment is left; waits for ${listed(names)} to take down its blocks`,
  };
}

/** The daemon has stopped ADD under this very revision, holds nothing, and its pools say the same. */
function isEmpty(uid: string, { published, claim, pools }: DrainHost): boolean {
  return (
    published?.draining === true &&
    claim?.uid === uid &&
    claim.acknowledged === 'Empty' &&
    claim.revision.network >= published.revision.network &&
    claim.revision.host >= published.revision.host &&
    pools.every((pool) => pool.allocated === 0)
  );
}

interface Stop {
  readonly hostName: string;
  readonly entry: PublishedNetwork;
  readonly bump?: readonly [SliceHost];
}

/**
 * The entry that tells a daemon to stop. Its host revision is above all that the daemon can have seen, so that it acknowledges this
 * very entry; it stands in the ledger first, so an entry there that is ahead of the published one is the raise of an earlier try.
 */
function stopOf({ hostName, published, entry, claim }: DrainHost): Stop[] {
  if (published === undefined) return [];
  const { network, host } = published.revision;
  const own = claim?.uid === published.uid ? claim : undefined;
  // Only after a ledger was lost and restored: a daemon takes no revision below the one that it serves.
  const ahead = own !== undefined && own.acknowledged === 'Serving' && own.revision.host > host;
  if (published.draining === true && !ahead) return [{ hostName, entry: published }];
  const raised = Math.max(host + 1, entry?.revision ?? 0, ahead ? own.revision.host + 1 : 0);
  const revision = { network: Math.max(network, own?.revision.network ?? 0), host: raised };
  return [
    {
      hostName,
      entry: { ...published, draining: true, revision },
      ...(entry !== undefined && entry.revision < raised && { bump: [{ ...entry, revision: raised }] as const }),
    },
  ];
}

function waitingMessage(waiting: readonly DrainHost[]): string {
  const attached = waiting.filter((host) => host.attachments > 0);
  const total = attached.reduce((sum, host) => sum + host.attachments, 0);
  const unheard = waiting.filter((host) => host.attachments === 0).map((host) => host.hostName);
  const parts = [
    total > 0 &&
      `${counted(total, 'attachment')} still there: ${listed(
        attached.map((host) => `${host.hostName} (${host.attachments})`),
      )}; delete their pods`,
    unheard.length > 0 && `waits for the daemon of ${listed(unheard)} to say that it is empty`,
  ].filter((part) => part !== false);
  return parts.join('; ');
}
