import type { ServerResponse } from 'node:http';
import { ApiError } from '../api-error.ts';
import { groupVersion, resourceId } from '../kinds/resource.ts';
import { type Fields, type KubeRecord, withMeta } from '../object.ts';
import { flag, type ObjectRequest, revisionOf } from '../request/request.ts';
import { type Matcher, selection } from '../request/selectors.ts';
import type { Cluster } from '../storage/cluster.ts';
import type { StoreEvent } from '../storage/store.ts';
import { type Form, shaped } from './form.ts';

/** What a client may leave unread before its watch is cut, in bytes. */
const backlogLimit = 16 * 1024 * 1024;

export interface WatchTimes {
  /** ms between bookmarks. */
  readonly bookmarkEvery: number;
  /** ms after which a watch without timeoutSeconds ends. */
  readonly longest: number;
}

type EventType = StoreEvent['type'] | 'BOOKMARK' | 'ERROR';

/** What a change means to a watch with a selector: objects enter and leave the selection. */
function seenBy(matches: Matcher, event: StoreEvent): { type: EventType; object: KubeRecord } | undefined {
  const now = event.type !== 'DELETED' && matches(event.object);
  const before = event.previous !== undefined && matches(event.previous);
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', object: event.object };
  if (!before) return undefined;
  const last =
    event.type === 'DELETED'
      ? event.object
      : withMeta(event.previous ?? event.object, { resourceVersion: String(event.revision) });
  return { type: 'DELETED', object: last };
}

/** One open watch. Its events go out in the order of the changes, each in the same turn as the change. */
export class Watch {
  readonly #cluster: Cluster;
  readonly #request: ObjectRequest;
  readonly #form: Form;
  readonly #response: ServerResponse;
  readonly #matches: Matcher;
  readonly #stops: (() => void)[] = [];
  #headers = true;

  constructor(cluster: Cluster, request: ObjectRequest, form: Form, response: ServerResponse) {
    this.#cluster = cluster;
    this.#request = request;
    this.#form = form;
    this.#response = response;
    this.#matches = selection(request);
  }

  /** Answers and stays open until the client goes, time is up, or end() is called. Throws ApiError 400 before answering. */
  start(times: WatchTimes): void {
    const from = revisionOf(this.#request.query.get('resourceVersion'));
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    this.#response.flushHeaders();
    this.#response.on('close', () => this.#release());
    try {
      this.#catchUp(from);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // An expired resourceVersion is told inside the stream, as kube-apiserver's watch cache does.
      this.#write('ERROR', error.status);
      this.end();
      return;
    }
    this.#stops.push(this.#cluster.store.subscribe((event) => this.#onChange(event)));
    this.#runTimers(times);
  }

  end(): void {
    this.#release();
    this.#response.end();
  }

  #release(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #catchUp(from: number | undefined): void {
    const initial = this.#request.query.get('sendInitialEvents');
    const asksAll = initial === 'true' || (initial === null && (from === undefined || from === 0));
    if (asksAll) {
      const objects = this.#cluster.store.list(resourceId(this.#request.resource)).filter(this.#matches);
      for (const object of objects) this.#send('ADDED', object);
    } else {
      for (const event of this.#cluster.store.since(from ?? this.#cluster.store.revision)) this.#onChange(event);
    }
    this.#bookmark(initial === 'true' ? { 'k8s.io/initial-events-end': 'true' } : undefined);
  }

  #onChange(event: StoreEvent): void {
    if (event.table !== resourceId(this.#request.resource)) return;
    const seen = seenBy(this.#matches, event);
    if (seen) this.#send(seen.type, seen.object);
  }

  #runTimers(times: WatchTimes): void {
    const bookmarks = setInterval(() => this.#bookmark(), times.bookmarkEvery);
    const seconds = Number(this.#request.query.get('timeoutSeconds') ?? 0);
    const deadline = setTimeout(() => this.end(), seconds > 0 ? seconds * 1000 : times.longest);
    this.#stops.push(
      () => clearInterval(bookmarks),
      () => clearTimeout(deadline),
    );
  }

  #bookmark(annotations?: Record<string, string>): void {
    if (!flag(this.#request.query, 'allowWatchBookmarks')) return;
    const { resource } = this.#request;
    const metadata = { resourceVersion: String(this.#cluster.store.revision), ...(annotations ? { annotations } : {}) };
    this.#write('BOOKMARK', { kind: resource.kind, apiVersion: groupVersion(resource), metadata });
  }

  #send(type: EventType, object: KubeRecord): void {
    this.#write(type, shaped(this.#request.resource, object, this.#form, this.#cluster.now(), this.#headers));
    this.#headers = false;
  }

  #write(type: EventType, object: Fields): void {
    this.#response.write(`${JSON.stringify({ type, object })}\n`);
    // A client that does not read must not fill this process's memory.
    if (this.#response.writableLength > backlogLimit) this.#response.destroy();
  }
}
