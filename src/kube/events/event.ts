import { createHash } from 'node:crypto';
import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient } from '../calls/client.ts';
import { isAlreadyExists, isNotFound } from '../calls/errors.ts';
import { inNamespace, resources } from '../calls/resource.ts';
import type { News } from './correlator.ts';

/** A v1 Event, as far as it is written here. */
export interface KubeEvent extends KubeObject {
  readonly involvedObject: Readonly<Record<string, string>>;
  readonly type: News['type'];
  readonly reason: string;
  readonly message: string;
  readonly source: { readonly component: string; readonly host?: string };
  readonly reportingComponent: string;
  readonly reportingInstance: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
}

/** Who writes events. */
export interface EventWriter {
  readonly client: KubeClient;
  /** Who tells, such as `multinic-operator`. */
  readonly component: string;
  /** Which process of it. */
  readonly instance: string;
  readonly signal: AbortSignal;
}

/** What an event tells: said `times` times since it was written last, between `first` and `last` (ms since the epoch). */
export interface Told {
  /** The same for whatever says the same. */
  readonly key: string;
  readonly about: KubeObject;
  readonly news: News;
  readonly times: number;
  readonly first: number;
  readonly last: number;
}

/** Where the events of objects without a namespace are. */
const clusterNamespace = 'default';

/**
 * Makes the event, or counts it up.
 * @param known the count that this process wrote last
 * @returns its count
 * @throws ApiError
 */
export async function writeEvent(writer: EventWriter, told: Told, known: number | undefined): Promise<number> {
  const { client, signal } = writer;
  const event = eventOf(writer, told);
  const { name, namespace = clusterNamespace } = event.metadata;
  const ref = inNamespace(resources.events, namespace);
  const { lastTimestamp, message } = event;
  const patch = async (change: Partial<KubeEvent>): Promise<number> =>
    (await client.patch<KubeEvent>(ref, name, 'merge', { lastTimestamp, message, ...change }, { signal })).count ?? 0;
  try {
    if (known !== undefined) return await patch({ count: known + told.times });
  } catch (error) {
    // Events live for an hour.
    if (!isNotFound(error)) throw error;
  }
  try {
    await client.create(ref, event, { signal });
    return event.count;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // An earlier run's. Its count is in the answer: events need not be readable for this.
    return patch({ count: (await patch({})) + told.times });
  }
}

function eventOf({ component, instance }: EventWriter, { key, about, news, times, first, last }: Told): KubeEvent {
  const { name, namespace, uid, resourceVersion } = about.metadata;
  const where = namespace ?? clusterNamespace;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: eventName(name, key), namespace: where },
    involvedObject: {
      apiVersion: about.apiVersion,
      kind: about.kind,
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    ...news,
    // The server's limit is 1,024 bytes for new events; nobody reads more.
    message: news.message.length > 1_000 ? `${news.message.slice(0, 999)}…` : news.message,
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
    count: times,
    firstTimestamp: timeText(first),
    lastTimestamp: timeText(last),
  };
}

/** A DNS subdomain of at most 253 characters. */
function eventName(object: string, key: string): string {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return `${object.slice(0, 236).replace(/[.-]+$/, '')}.${hash}`;
}

/** metav1.Time has whole seconds. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
