import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { auditFile } from './audit.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { kubeconfig, kubeconfigName } from './kubeconfig.ts';
import { type ApiServer, type ListenAddress, startApiServer } from './server.ts';

const usage = `Embedded Kubernetes API server for labs and tests.
  --listen ADDRESS:PORT   where to listen, again for more (default 127.0.0.1:0; [::1]:0 for IPv6)
  --dir DIR               where ca.crt and the kubeconfigs are written
  --user NAME[@ADDRESS]   makes DIR/kubeconfig-NAME, again for more; with ADDRESS for that listener (default: the
                          first). The user admin is always there.
  --audit-log FILE        one JSON line for each request
Prints one JSON line when it is ready; ends on SIGTERM or SIGINT.
`;

interface User {
  readonly name: string;
  readonly address: string | undefined;
  readonly token: string;
}

function listenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535)
    throw new Error(`--listen ${text}: must be ADDRESS:PORT, for example 127.0.0.1:6443 or [::1]:0`);
  return { address: match[1] ?? match[2] ?? '', port };
}

function userOf(text: string): User {
  const at = text.lastIndexOf('@');
  const [name, address] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  return { name, address, token: randomBytes(24).toString('base64url') };
}

/** Writes ca.crt and a kubeconfig for each user; returns the files by user. */
function writeAccess(
  dir: string,
  users: readonly User[],
  listen: readonly ListenAddress[],
  server: ApiServer,
  ca: string,
): Record<string, string> {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'ca.crt'), ca);
  const entries = users.map(({ name, address, token }): [string, string] => {
    const index = address === undefined ? 0 : listen.findIndex((one) => one.address === address);
    const url = server.urls[index];
    if (url === undefined) throw new Error(`--user ${name}@${address}: there is no --listen ${address}`);
    const file = resolve(dir, kubeconfigName(name));
    writeFileSync(file, kubeconfig({ url, ca, user: name, token }), { mode: 0o600 });
    return [name, file];
  });
  return Object.fromEntries(entries);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      listen: { type: 'string', multiple: true },
      dir: { type: 'string' },
      user: { type: 'string', multiple: true },
      'audit-log': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help || values.dir === undefined) {
    process.stdout.write(usage);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  const listen = (values.listen ?? ['127.0.0.1:0']).map(listenAddress);
  const users = ['admin', ...(values.user ?? []).filter((user) => user !== 'admin')].map(userOf);
  const certificates: Certificates = makeCertificates(listen.map(({ address }) => address));
  const server = await startApiServer({
    listen,
    tls: certificates,
    tokens: new Map(users.map(({ token, name }) => [token, name])),
    ...(values['audit-log'] === undefined ? {} : { audit: auditFile(values['audit-log']) }),
  });
  const kubeconfigs = writeAccess(values.dir, users, listen, server, certificates.ca);
  const end = (): void => {
    void server.close().then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  process.stdout.write(
    `${JSON.stringify({ ready: true, pid: process.pid, urls: server.urls, ports: server.ports, kubeconfigs })}\n`,
  );
}

await main();
