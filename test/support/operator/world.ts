import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { CIDR } from '../../../src/api/kinds/cidr.ts';
import type { CIDRSlice } from '../../../src/api/kinds/cidrslice.ts';
import type { HostInterface } from '../../../src/api/kinds/hostinterface.ts';
import type { IPPool } from '../../../src/api/kinds/ippool.ts';
import type { MultiNicNetwork, MultiNicNetworkSpec } from '../../../src/api/kinds/multinicnetwork.ts';
import type { Condition, KubeObject } from '../../../src/api/meta.ts';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { isNotFound } from '../../../src/kube/calls/errors.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import { type ResourceRef, resources } from '../../../src/kube/calls/resource.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import { type Logger, silent } from '../../../src/kube/logger.ts';
import type { AuditRecord } from '../../../src/lab/apiserver/audit.ts';
import type { Certificates } from '../../../src/lab/apiserver/certificates.ts';
import { startCluster } from '../../../src/lab/apiserver/controllers/start-cluster.ts';
import { type ApiServer, startApiServer } from '../../../src/lab/apiserver/server.ts';
import type { ServiceOptions } from '../../../src/lab/apiserver/service.ts';
import type { Nad } from '../../../src/operator/nads/nad.ts';
import { runOperator } from '../../../src/operator/run.ts';

/** A cluster without machines: the embedded API server, an operator when started, and a person's client. */
export interface World {
  readonly client: KubeClient;
  readonly url: string;
  /** Refuses or delays requests when set: called for each with its user. */
  intercept: ServiceOptions['intercept'];
  /** Starts an operator (or another after a stop). */
  startOperator(logger?: Logger, more?: { readonly clock?: Clock; readonly url?: string }): void;
  /** Stops it as SIGTERM does, and waits for its end. */
  stopOperator(): Promise<void>;
  /** Writes (create, update, patch, delete) of the operator since the start or the last call. */
  takeWrites(): string[];
  /** All requests of the operator so far: `list sriovnetworks`. */
  requests(): string[];
  /** Stops the API server and starts it again on the same port with the same state. */
  apiAway(): Promise<void>;
  apiBack(): Promise<void>;
  /** Ends every open watch, as a server does that restarts. */
  cutWatches(): void;
  addNode(name: string): Promise<void>;
  addNamespace(name: string): Promise<void>;
  apply(name: string, spec: MultiNicNetworkSpec): Promise<MultiNicNetwork>;
  network(name: string): Promise<MultiNicNetwork>;
  condition(name: string, type: string): Promise<Condition | undefined>;
  /** Waits until the check passes; throws what it last threw. */
  until(check: () => Promise<void> | void): Promise<void>;
  /** Waits until the operator has written nothing for a while. */
  quiet(): Promise<void>;
  cidr(name: string): Promise<CIDR | undefined>;
  slices(): Promise<readonly CIDRSlice[]>;
  host(name: string): Promise<HostInterface | undefined>;
  pools(): Promise<readonly IPPool[]>;
  nads(): Promise<readonly Nad[]>;
  close(): Promise<void>;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));
const crds: ResourceRef = { group: 'apiextensions.k8s.io', version: 'v1', plural: 'customresourcedefinitions' };
const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** @param tls kubectl sends its token over TLS only */
export async function startWorld(tls?: Certificates): Promise<World> {
  const audit: AuditRecord[] = [];
  const cluster = startCluster();
  let port = 0;
  const start = (): Promise<ApiServer> =>
    startApiServer({
      listen: [{ address: '127.0.0.1', port }],
      tokens: new Map([
        ['admin-token', 'admin'],
        ['operator-token', 'operator'],
        ['daemon-token', 'daemon'],
      ]),
      cluster,
      ...(tls && { tls }),
      bookmarkEvery: 500,
      audit: (record) => audit.push(record),
      intercept: (request, user) => world.intercept?.(request, user),
    });
  let server = await start();
  port = server.ports[0] ?? 0;
  const clientOf = (user: string, clock?: Clock, url = server.url): KubeClient =>
    createClient({
      cluster: {
        server: url,
        tls: tls ? { ca: tls.ca } : {},
        authorization: () => Promise.resolve(`Bearer ${user}-token`),
      },
      userAgent: `test-${user}`,
      // Whoever asks for a test has time: a loaded machine may hold up an answer for longer than an operator waits for one.
      timeoutMs: user === 'admin' ? 60_000 : 5_000,
      ...(clock && { clock }),
    });
  const client = clientOf('admin');
  let operator:
    | { readonly stop: AbortController; readonly client: KubeClient; readonly ended: Promise<void> }
    | undefined;
  let taken = 0;

  const all = async <T extends KubeObject>(ref: ResourceRef): Promise<readonly T[]> =>
    (await client.list<T>(ref)).items;
  const find = <T extends KubeObject>(ref: ResourceRef, name: string): Promise<T | undefined> =>
    client.get<T>(ref, name).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  const operatorWrites = (): AuditRecord[] =>
    audit.filter((record) => record.user === 'operator' && writing.has(record.verb));

  const world: World = {
    client,
    url: server.url,
    intercept: undefined,
    startOperator: (logger = silent, { clock, url } = {}) => {
      const stop = new AbortController();
      const own = clientOf('operator', clock, url);
      operator = {
        stop,
        client: own,
        ended: runOperator({ client: own, logger, signal: stop.signal, ...(clock && { clock }) }),
      };
    },
    stopOperator: async () => {
      operator?.stop.abort();
      await operator?.ended;
      await operator?.client.close();
      operator = undefined;
    },
    takeWrites: () => {
      const writes = operatorWrites().slice(taken);
      taken += writes.length;
      return writes.map(({ verb, resource, subresource, namespace, name, code }) => {
        const path = [resource, namespace, name, subresource].filter((part) => part !== '').join('/');
        return `${verb} ${path}${code >= 400 ? ` ${code}` : ''}`;
      });
    },
    requests: () => audit.filter(({ user }) => user === 'operator').map(({ verb, resource }) => `${verb} ${resource}`),
    apiAway: () => server.close(),
    apiBack: async () => {
      server = await start();
    },
    cutWatches: () => server.endWatches(),
    addNode: async (name) => {
      await client.create(resources.nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    },
    addNamespace: async (name) => {
      await client.create(resources.namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    },
    apply: async (name, spec) => {
      const old = await find<MultiNicNetwork>(resources.multiNicNetworks, name);
      const object = { apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', metadata: { name }, spec };
      return old === undefined
        ? client.create<MultiNicNetwork>(resources.multiNicNetworks, object)
        : client.replace<MultiNicNetwork>(resources.multiNicNetworks, { ...object, metadata: old.metadata });
    },
    network: (name) => client.get<MultiNicNetwork>(resources.multiNicNetworks, name),
    condition: async (name, type) =>
      (await world.network(name)).status?.conditions?.find((condition) => condition.type === type),
    until: async (check) => {
      const end = Date.now() + 180_000;
      for (;;) {
        try {
          await check();
          return;
        } catch (error) {
          if (Date.now() > end) throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    quiet: async () => {
      for (let still = 0, last = -1; still < 15; still++) {
        const count = audit.filter((record) => record.user !== 'admin' || writing.has(record.verb)).length;
        if (count !== last) still = 0;
        last = count;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    cidr: (name) => find(resources.cidrs, name),
    slices: () => all(resources.cidrSlices),
    host: (name) => find(resources.hostInterfaces, name),
    pools: () => all(resources.ipPools),
    nads: () => all(resources.networkAttachmentDefinitions),
    close: async () => {
      await world.stopOperator();
      await client.close();
      await server.close();
    },
  };

  const files = readdirSync(join(root, 'crds')).filter((file) => file.startsWith('multinic.'));
  for (const path of [...files.map((file) => join('crds', file)), 'src/lab/manifests/nad-crd.yaml']) {
    await client.create(crds, trusted<KubeObject>(parse(readFileSync(join(root, path), 'utf8'))));
  }
  return world;
}
