import { dirname, resolve } from 'node:path';
import { type Fields, fieldsOf } from './json.ts';

/** What multinic reads of one context of a kubeconfig file; paths are absolute, data decoded. */
export interface Context {
  readonly server: string;
  readonly ca?: FileOrData;
  readonly skipTLSVerify: boolean;
  readonly tlsServerName?: string;
  readonly user: User;
}

export type FileOrData = { readonly file: string } | { readonly data: string };

export interface User {
  readonly cert?: FileOrData;
  readonly key?: FileOrData;
  readonly token?: FileOrData;
  readonly basic?: { readonly username: string; readonly password: string };
  /** Credentials come from a program or a legacy provider: only @kubernetes/client-node knows those. */
  readonly external: boolean;
}

/** A kubeconfig that cannot be used; the message names the file and what is missing. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

/**
 * Picks one context out of a parsed kubeconfig (YAML or JSON already read).
 * @param file where it was read from: relative paths in it start there
 * @param context its current-context when absent
 * @throws KubeconfigError
 */
export function readContext(config: unknown, file: string, context?: string): Context {
  const root = fieldsOf(config);
  const name = context ?? text(root, 'current-context');
  if (name === undefined || name === '')
    throw new KubeconfigError(`${file}: no current-context, and none was asked for`);
  const chosen = entry(root, 'contexts', 'context', name, file);
  const cluster = entry(root, 'clusters', 'cluster', text(chosen, 'cluster') ?? '', file);
  const userName = text(chosen, 'user');
  const user = userName === undefined || userName === '' ? {} : entry(root, 'users', 'user', userName, file);
  const server = text(cluster, 'server');
  if (server === undefined) throw new KubeconfigError(`${file}: cluster of context "${name}" has no server`);
  if (text(cluster, 'proxy-url') !== undefined) {
    throw new KubeconfigError(`${file}: proxy-url is not supported: remove it from the cluster of context "${name}"`);
  }
  const ca = fileOrData(cluster, 'certificate-authority', file);
  const tlsServerName = text(cluster, 'tls-server-name');
  return {
    server,
    ...(ca && { ca }),
    skipTLSVerify: cluster['insecure-skip-tls-verify'] === true,
    ...(tlsServerName !== undefined && { tlsServerName }),
    user: readUser(user, file),
  };
}

function readUser(user: Fields, file: string): User {
  const cert = fileOrData(user, 'client-certificate', file);
  const key = fileOrData(user, 'client-key', file);
  const tokenFile = text(user, 'tokenFile');
  const tokenText = text(user, 'token');
  // As in client-go, a token file takes precedence over a token.
  const token: FileOrData | undefined =
    tokenFile !== undefined
      ? { file: absolute(tokenFile, file) }
      : tokenText !== undefined
        ? { data: tokenText }
        : undefined;
  const username = text(user, 'username');
  return {
    ...(cert && { cert }),
    ...(key && { key }),
    ...(token && { token }),
    ...(username !== undefined && { basic: { username, password: text(user, 'password') ?? '' } }),
    external: user['exec'] !== undefined || user['auth-provider'] !== undefined,
  };
}

/** The field as a file, or its `-data` form (base64), which takes precedence. */
function fileOrData(from: Fields, name: string, file: string): FileOrData | undefined {
  const data = text(from, `${name}-data`);
  if (data !== undefined) return { data: Buffer.from(data, 'base64').toString('utf8') };
  const path = text(from, name);
  return path === undefined ? undefined : { file: absolute(path, file) };
}

function absolute(path: string, file: string): string {
  return resolve(dirname(file), path);
}

function entry(root: Fields, list: string, field: string, name: string, file: string): Fields {
  const entries = Array.isArray(root[list]) ? root[list] : [];
  const found = entries.map(fieldsOf).find((candidate) => candidate['name'] === name);
  if (found === undefined) throw new KubeconfigError(`${file}: ${list} has no "${name}"`);
  return fieldsOf(found[field]);
}

function text(from: Fields, name: string): string | undefined {
  const value = from[name];
  return typeof value === 'string' ? value : undefined;
}
