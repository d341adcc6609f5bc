import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Fields, fieldAt, listOf } from '../../src/lab/apiserver/object.ts';
import { type ApiServer, startApiServer } from '../../src/lab/apiserver/server.ts';
import { accessFrom, KubeRest, type Reply } from './kube-rest.ts';

/** The variable that names the kubeconfig of a real API server, to hold the suite against it. */
export const realServer = 'MULTINIC_TEST_KUBECONFIG';
/** The variable that names the URL of its etcd, whose history may be cut. */
export const realEtcd = 'MULTINIC_TEST_ETCD';

/** A server under test with two custom resources (widgets: namespaced, with status; gadgets: plain) in a group of its own. */
export interface Suite {
  readonly rest: KubeRest;
  /** Undefined when a real API server is tested. */
  readonly embedded: ApiServer | undefined;
  readonly group: string;
  readonly namespace: string;
  /** URL of the widgets in the namespace. */
  readonly widgets: string;
  readonly allWidgets: string;
  /** URL of the gadgets, cluster-scoped and without status subresource. */
  readonly gadgets: string;
  readonly widget: (name: string, more?: Fields) => Fields;
  readonly gadget: (name: string, more?: Fields) => Fields;
  /** Forgets the history so far; undefined where it cannot be made to. */
  readonly compact: (() => Promise<void>) | undefined;
  readonly close: () => Promise<void>;
}

const widgetSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 0, maximum: 10 },
        colour: { type: 'string', enum: ['red', 'green'], default: 'red' },
        name: { type: 'string', pattern: '^[a-z]*$', maxLength: 8 },
        tags: { type: 'array', maxItems: 2, items: { type: 'string' } },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        raw: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        parts: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: {
            type: 'object',
            required: ['id'],
            properties: { id: { type: 'integer' }, text: { type: 'string', default: 'none' } },
          },
        },
      },
    },
    status: {
      type: 'object',
      properties: {
        phase: { type: 'string' },
        conditions: {
          type: 'array',
          items: { type: 'object', properties: { type: { type: 'string' }, status: { type: 'string' } } },
        },
      },
    },
  },
};

const widgetColumns = [
  { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Parts', type: 'string', jsonPath: '.spec.parts[*].id', priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

function crd(group: string, plural: string, kind: string, scope: string, version: Fields): Fields {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, ...version }],
    },
  };
}

/**
 * Calls until the answer is as wanted; fails with the last answer after 75 s: a real garbage collector looks for new kinds every 30 s.
 */
export async function until(ask: () => Promise<Reply>, good: (reply: Reply) => boolean): Promise<Reply> {
  for (let left = 1500; ; left--) {
    const reply = await ask();
    if (good(reply)) return reply;
    if (left === 0) throw new Error(`still not: ${JSON.stringify(reply)}`);
    await sleep(50);
  }
}

function established({ body }: Reply): boolean {
  return listOf(fieldAt(body, ['status', 'conditions'])).some(
    (one) => fieldAt(one, ['type']) === 'Established' && fieldAt(one, ['status']) === 'True',
  );
}

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

async function define(rest: KubeRest, definition: Fields, url: string): Promise<void> {
  const made = await rest.post(crds, definition);
  if (made.code !== 201) throw new Error(`CRD refused: ${JSON.stringify(made.body)}`);
  await until(() => rest.get(`${crds}/${String(fieldAt(definition, ['metadata', 'name']))}`), established);
  await until(
    () => rest.get(url),
    ({ code }) => code === 200,
  );
}

/** Starts the embedded server (or takes the real one that the variable names) and makes a namespace and two CRDs. */
export async function startSuite(): Promise<Suite> {
  const kubeconfig = process.env[realServer];
  const token = 'suite-token';
  const embedded = kubeconfig
    ? undefined
    : await startApiServer({
        listen: [{ address: '127.0.0.1', port: 0 }],
        tokens: new Map([[token, 'admin']]),
        bookmarkEvery: 200,
      });
  const rest = new KubeRest(embedded ? { url: embedded.url, token } : accessFrom(kubeconfig ?? ''));
  const id = randomBytes(4).toString('hex');
  const group = `t${id}.suite.multinic.test`;
  const namespace = `suite-${id}`;
  const widgets = `/apis/${group}/v1/namespaces/${namespace}/widgets`;
  const allWidgets = `/apis/${group}/v1/widgets`;
  const gadgets = `/apis/${group}/v1/gadgets`;
  await rest.post('/api/v1/namespaces', { metadata: { name: namespace } });
  const status = {
    subresources: { status: {} },
    schema: { openAPIV3Schema: widgetSchema },
    additionalPrinterColumns: widgetColumns,
  };
  await define(rest, crd(group, 'widgets', 'Widget', 'Namespaced', status), allWidgets);
  const free = { schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } };
  await define(rest, crd(group, 'gadgets', 'Gadget', 'Cluster', free), gadgets);
  const object =
    (kind: string) =>
    (name: string, more: Fields = {}): Fields => {
      const { metadata, ...rest } = more;
      const base = {
        apiVersion: `${group}/v1`,
        kind,
        metadata: { name, ...(typeof metadata === 'object' ? metadata : {}) },
      };
      return { ...base, ...(kind === 'Widget' ? { spec: { size: 1 } } : {}), ...rest };
    };
  const close = async (): Promise<void> => {
    for (const plural of ['widgets', 'gadgets']) await rest.delete(`${crds}/${plural}.${group}`);
    await rest.delete(`/api/v1/namespaces/${namespace}`);
    await embedded?.close();
  };
  return {
    rest,
    embedded,
    group,
    namespace,
    widgets,
    allWidgets,
    gadgets,
    widget: object('Widget'),
    gadget: object('Gadget'),
    compact: embedded === undefined ? compactionOf(process.env[realEtcd]) : () => Promise.resolve(embedded.compact()),
    close,
  };
}

function compactionOf(etcd: string | undefined): Suite['compact'] {
  if (etcd === undefined) return undefined;
  const ask = async (path: string, body: Fields): Promise<unknown> => {
    const answer = await fetch(`${etcd}/v3/kv/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd: ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return async () => {
    const state = await ask('range', { key: Buffer.from('/').toString('base64') });
    await ask('compaction', { revision: fieldAt(state, ['header', 'revision']), physical: true });
  };
}

/** The value at a dotted path of a reply's body. */
export function at(body: Fields, path: string): unknown {
  return fieldAt(body, path.split('.'));
}

export function revisionOf(body: Fields): string {
  return String(at(body, 'metadata.resourceVersion'));
}
