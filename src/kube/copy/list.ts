import type { KubeObject } from '../../api/meta.ts';
import type { KubeClient, ListPage } from '../calls/client.ts';
import type { ResourceRef } from '../calls/resource.ts';

export interface ListAllOptions {
  /** Objects in one page. */
  readonly pageSize: number;
  /** What the server's cache has to know at least; undefined: the newest there is. */
  readonly atLeast: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly signal: AbortSignal;
  /** Takes each object as it arrives: what it does not keep of it goes with its page. */
  readonly take: (object: KubeObject) => void;
  /** A page has arrived. */
  readonly onPage: () => void;
}

/** Lists all objects of one state, page by page; resolves with its version. @throws ApiError */
export async function listAll(client: KubeClient, ref: ResourceRef, options: ListAllOptions): Promise<string> {
  const { signal, pageSize: limit, atLeast, labelSelector, fieldSelector } = options;
  let page: ListPage<KubeObject> | undefined;
  do {
    page = await client.list<KubeObject>(ref, {
      signal,
      limit,
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
      ...(page?.continue !== undefined
        ? { continue: page.continue }
        : atLeast !== undefined && { resourceVersion: atLeast, resourceVersionMatch: 'NotOlderThan' }),
    });
    options.onPage();
    for (const object of page.items) options.take(object);
  } while (page.continue !== undefined);
  return page.resourceVersion;
}
