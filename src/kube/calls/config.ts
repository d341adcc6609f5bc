import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { messageOf } from '../../api/message-of.ts';
import type { Clock } from '../clock.ts';
import { systemClock } from '../clock.ts';
import { type Context, type FileOrData, KubeconfigError, readContext, type User } from './kubeconfig.ts';

/** How to reach and to be known at one API server. */
export interface Cluster {
  /** URL without a trailing slash, for example https://10.0.0.1:6443. */
  readonly server: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  /** The Authorization header, if any. `renew`: the last one was refused, do not answer from memory. */
  authorization(renew?: boolean): Promise<string | undefined>;
}

export interface ClusterSource {
  /** Path of a kubeconfig; absent: the first of $KUBECONFIG, else the pod's service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

/** Where a pod finds its service account. */
const serviceAccount = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Token files are replaced while they are still good for minutes: reading once a minute is enough (as client-go does). */
const tokenMaxAgeMs = 60_000;

/**
 * Finds the API server. Files are read here; tokens are read again later (they rotate).
 * @throws KubeconfigError naming the file and what is wrong with it
 */
export async function loadCluster(source: ClusterSource): Promise<Cluster> {
  const clock = source.clock ?? systemClock();
  const file = source.kubeconfig ?? source.env['KUBECONFIG']?.split(':').find((path) => path !== '');
  if (file === undefined) return inCluster(source.env, clock);
  const content = await readText(file);
  // yaml costs 40 ms and 10 MB at import: a pod does not need it.
  const { parse } = await import('yaml');
  let parsed: unknown;
  try {
    parsed = parse(content);
  } catch (error) {
    throw new KubeconfigError(`${file} is no YAML: ${messageOf(error)}`, { cause: error });
  }
  const context = readContext(parsed, file, source.context);
  return {
    server: context.server.replace(/\/+$/, ''),
    tls: await tlsOf(context),
    authorization: context.user.external
      ? await externalAuthorization(content, source.context)
      : authorizationOf(context.user, clock),
  };
}

/** The API server that the pod's environment names, as the pod's service account. @throws KubeconfigError */
async function inCluster(env: ClusterSource['env'], clock: Clock): Promise<Cluster> {
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host === undefined) {
    throw new KubeconfigError('no API server: give --kubeconfig, set KUBECONFIG, or run in a pod');
  }
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`,
    tls: { ca: await readText(`${serviceAccount}/ca.crt`) },
    authorization: tokenFrom({ file: `${serviceAccount}/token` }, clock),
  };
}

async function tlsOf(context: Context): Promise<Cluster['tls']> {
  const [ca, cert, key] = await Promise.all([context.ca, context.user.cert, context.user.key].map(content));
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(context.tlsServerName !== undefined && { servername: context.tlsServerName }),
    ...(context.skipTLSVerify && { rejectUnauthorized: false }),
  };
}

function authorizationOf(user: User, clock: Clock): Cluster['authorization'] {
  if (user.token !== undefined) return tokenFrom(user.token, clock);
  if (user.basic === undefined) return () => Promise.resolve(undefined);
  const basic = Buffer.from(`${user.basic.username}:${user.basic.password}`).toString('base64');
  return () => Promise.resolve(`Basic ${basic}`);
}

function tokenFrom(token: FileOrData, clock: Clock): Cluster['authorization'] {
  if ('data' in token) return () => Promise.resolve(`Bearer ${token.data}`);
  let last: { readonly header: string; readonly at: number } | undefined;
  return async (renew = false) => {
    if (last === undefined || renew || clock.now() - last.at >= tokenMaxAgeMs) {
      last = { header: `Bearer ${(await readText(token.file)).trim()}`, at: clock.now() };
    }
    return last.header;
  };
}

/**
 * Programs (`exec`) and legacy providers, through @kubernetes/client-node: 300 ms and 90 MB at import, so only when needed. The
 * certificates that such a program may answer with are not used.
 */
async function externalAuthorization(kubeconfig: string, context?: string): Promise<Cluster['authorization']> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromString(kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  return async () => {
    const options: { headers?: Record<string, unknown> } = {};
    await config.applyToHTTPSOptions(options);
    const header = options.headers?.['Authorization'];
    return typeof header === 'string' ? header : undefined;
  };
}

async function content(from: FileOrData | undefined): Promise<string | undefined> {
  if (from === undefined) return undefined;
  return 'data' in from ? from.data : readText(from.file);
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}
