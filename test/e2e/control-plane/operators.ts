import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** One process `multinic operator` of two. */
export interface Candidate {
  readonly identity: string;
  readonly process: ChildProcess;
  /** It has seen the Lease: it leads, or knows who does. */
  readonly campaigns: Promise<void>;
  readonly ended: Promise<number | null>;
  log(): string;
}

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts the real program against a cluster. @param args more of its options */
export function startCandidate(identity: string, kubeconfig: string, args: readonly string[] = []): Candidate {
  const flags = ['operator', '--identity', identity, '--kubeconfig', kubeconfig, ...args];
  const child = spawn(process.execPath, ['src/cli/main.ts', ...flags], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  const campaigns = Promise.withResolvers<void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
    if (/"(leading|another leads: waiting|operator started)"/.test(log)) campaigns.resolve();
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  void ended.then(() => campaigns.reject(new Error(`${identity} ended: ${log.slice(-2000)}`)));
  // Who is killed early is waited for by nobody.
  campaigns.promise.catch(() => undefined);
  return { identity, process: child, campaigns: campaigns.promise, ended, log: () => log };
}
