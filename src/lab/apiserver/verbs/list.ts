import { randomUUID } from 'node:crypto';
import { errors } from '../api-error.ts';
import { groupVersion, resourceId } from '../kinds/resource.ts';
import type { Fields, KubeRecord } from '../object.ts';
import { type ObjectRequest, revisionOf } from '../request/request.ts';
import { selection } from '../request/selectors.ts';
import type { Cluster } from '../storage/cluster.ts';
import { type Form, metadataOnly, tableOf } from './form.ts';

interface Page {
  readonly items: readonly KubeRecord[];
  readonly revision: number;
}

/** The rest of lists whose first pages were handed out: later pages show the state of the first. */
export class Continuations {
  readonly #rest = new Map<string, Page>();
  readonly #limit: number;

  /** @param limit unfinished lists kept; of older ones, continue answers 410 */
  constructor(limit = 200) {
    this.#limit = limit;
  }

  take(token: string): Page {
    const page = this.#rest.get(token);
    if (!page) throw errors.expiredContinue();
    return page;
  }

  keep(page: Page): string {
    const token = Buffer.from(`${page.revision}:${randomUUID()}`).toString('base64url');
    this.#rest.set(token, page);
    const oldest = this.#rest.keys().next();
    if (this.#rest.size > this.#limit && oldest.value !== undefined) this.#rest.delete(oldest.value);
    return token;
  }

  /** Forgets all, as a compaction does. */
  clear(): void {
    this.#rest.clear();
  }
}

function firstPage(cluster: Cluster, request: ObjectRequest): Page {
  const asked = revisionOf(request.query.get('resourceVersion'));
  const { revision } = cluster.store;
  if (asked !== undefined && asked > revision) throw errors.tooNew(asked, revision);
  if (request.query.get('resourceVersionMatch') === 'Exact' && asked !== revision)
    throw errors.expired(asked ?? 0, revision);
  return { items: cluster.store.list(resourceId(request.resource)).filter(selection(request)), revision };
}

/** The answer to a list request, in pages when the client sets a limit. Throws ApiError 400, 410, 504. */
export function listObjects(
  cluster: Cluster,
  continuations: Continuations,
  request: ObjectRequest,
  form: Form,
): Fields {
  const { query, resource } = request;
  const token = query.get('continue');
  const page = token ? continuations.take(token) : firstPage(cluster, request);
  const limit = Number(query.get('limit') ?? 0) || page.items.length;
  const items = page.items.slice(0, limit);
  const rest = page.items.slice(limit);
  const selected = query.has('labelSelector') || query.has('fieldSelector');
  const metadata: Fields = {
    resourceVersion: String(page.revision),
    ...(rest.length > 0 ? { continue: continuations.keep({ items: rest, revision: page.revision }) } : {}),
    ...(rest.length > 0 && !selected ? { remainingItemCount: rest.length } : {}),
  };
  // A list of custom resources has the field on its last page too.
  const last = rest.length === 0 && !resource.builtIn ? { continue: '' } : {};
  if (form.as === 'Table') return tableOf(resource, items, metadata, form, cluster.now());
  if (form.as === 'PartialObjectMetadata') {
    const shown = items.map((object) => metadataOnly(object, form));
    return { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${form.version}`, metadata, items: shown };
  }
  return { kind: resource.listKind, apiVersion: groupVersion(resource), metadata: { ...last, ...metadata }, items };
}
