import type { MultiNicNetwork } from '../../api/kinds/multinicnetwork.ts';
import { apiVersion } from '../../api/schema.ts';
import { resources } from '../../kube/calls/resource.ts';
import type { Context } from '../context.ts';
import { putStatus } from '../writes.ts';
import { type Counts, nextStatus, type Verdicts } from './conditions.ts';
import { newsOf } from './news.ts';

/** Writes the network's status, once and only when it says something else than before; then tells what is new in it as Events. */
export async function writeStatus(
  context: Context,
  object: MultiNicNetwork,
  verdicts: Verdicts,
  counts: Counts,
  signal: AbortSignal,
): Promise<void> {
  const now = new Date(context.clock.now()).toISOString();
  const status = nextStatus(
    object.status,
    verdicts,
    { ...counts, subnets: subnetsText(object) },
    object.metadata.generation ?? 0,
    now,
  );
  if (status === object.status) return;
  const ready = status.conditions?.find((condition) => condition.type === 'Ready');
  const before = object.status?.conditions?.find((condition) => condition.type === 'Ready');
  const next: MultiNicNetwork = { ...object, apiVersion, kind: 'MultiNicNetwork', status };
  await putStatus(
    { client: context.client, ref: resources.multiNicNetworks, cache: context.caches.networks },
    next,
    signal,
  );
  for (const news of newsOf(object.status?.conditions, status.conditions)) context.events.record(next, news);
  if (ready?.reason !== before?.reason) {
    context.logger.info(
      { network: object.metadata.name, ready: ready?.status, reason: ready?.reason, message: ready?.message },
      'network',
    );
  }
}

/** A column shows one value, and prefixes stand in one of two fields. */
function subnetsText({ spec }: MultiNicNetwork): string {
  const several = spec?.subnets ?? [];
  return several.length > 0 ? several.join(',') : (spec?.subnet ?? '');
}
