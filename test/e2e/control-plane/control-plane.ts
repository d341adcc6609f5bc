import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type KubeClient } from '../../../src/kube/calls/client.ts';
import { loadCluster } from '../../../src/kube/calls/config.ts';
import { untilReady } from '../../../src/lab/cluster/wait.ts';
import { type Access, createAccess } from './access.ts';
import { readAudit } from './audit.ts';
import { reservePorts } from './ports.ts';
import type { RealPrograms } from './programs.ts';

export interface ControlPlaneOptions {
  readonly programs: RealPrograms;
  /** Certificates, data and logs; it has to exist. */
  readonly dir: string;
  /** Where the API server listens. */
  readonly address: string;
  /** With a scheduler, and the controller that keeps it from Nodes that are not Ready. */
  readonly scheduler?: boolean;
  /** More options for the API server and for etcd. */
  readonly flags?: { readonly apiserver?: readonly string[]; readonly etcd?: readonly string[] };
  /** Starts a program whose output goes to a file, and sees to it that it ends some day. */
  readonly start: (name: string, argv: readonly string[], log: string) => ChildProcess;
}

/** A running etcd, kube-apiserver and kube-controller-manager; kube-scheduler where it was asked for. */
export interface ControlPlane {
  readonly access: Access;
  /** The administrator's. */
  readonly client: KubeClient;
  /** Of the API server. */
  readonly pid: number;
  readonly auditLog: string;
  /** URL of its etcd. */
  readonly etcd: string;
  /** Starts the controllers anew: they know every kind that there is then. A garbage collector that runs looks for new ones every 30 s. */
  readonly relearn: () => Promise<void>;
}

const serviceNetwork = '10.96.0.0/24';

/**
 * Starts them and waits until the API server is ready, a namespace has what a pod needs (its service account), and a scheduler looks at pods.
 * @throws Error with the end of the log of the one that does not start
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { programs, dir, address, start, scheduler = false, flags = {} } = options;
  const [client = 0, peer = 0] = await reservePorts('127.0.0.1', 2);
  const [port = 0] = await reservePorts(address, 1);
  const access = createAccess(dir, address, port);
  const auditLog = join(dir, 'audit.log');
  const log = (name: string) => join(dir, `${name}.log`);
  const etcd = `http://127.0.0.1:${client}`;
  start('etcd', [...etcdCommand(programs, dir, etcd, `http://127.0.0.1:${peer}`), ...(flags.etcd ?? [])], log('etcd'));
  const child = start(
    'kube-apiserver',
    [...apiserverCommand(programs, access, address, port, etcd, auditLog), ...(flags.apiserver ?? [])],
    log('kube-apiserver'),
  );
  const kube = createClient({
    cluster: await loadCluster({ kubeconfig: access.admin, env: {} }),
    userAgent: 'multinic-e2e',
  });
  await untilReady('kube-apiserver', child, log('kube-apiserver'), () => answers(kube, '/readyz'));
  const startManager = (): ChildProcess =>
    start('kube-controller-manager', managerCommand(programs, access, scheduler), log('kube-controller-manager'));
  let manager = startManager();
  const relearn = async (): Promise<void> => {
    const ended = new Promise((resolve) => manager.once('exit', resolve));
    manager.kill('SIGKILL');
    await ended;
    manager = startManager();
  };
  await untilReady(
    'kube-controller-manager',
    manager,
    log('kube-controller-manager'),
    async () =>
      (await answers(kube, '/api/v1/namespaces/default/serviceaccounts/default')) &&
      (await answers(kube, '/api/v1/namespaces/default/configmaps/kube-root-ca.crt')),
  );
  if (scheduler) {
    const started = start('kube-scheduler', schedulerCommand(programs, access), log('kube-scheduler'));
    await untilReady('kube-scheduler', started, log('kube-scheduler'), () => watchesPods(auditLog));
  }
  return { access, client: kube, pid: child.pid ?? 0, auditLog, etcd, relearn };
}

/** Nothing here has to survive a power cut, and an election among one need not wait a second. */
function etcdCommand({ etcd }: RealPrograms, dir: string, client: string, peer: string): string[] {
  mkdirSync(join(dir, 'etcd'), { recursive: true, mode: 0o700 });
  return [
    etcd,
    `--data-dir=${join(dir, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--heartbeat-interval=10',
    '--election-timeout=100',
    '--log-level=warn',
  ];
}

function apiserverCommand(
  { apiserver }: RealPrograms,
  { file }: Access,
  address: string,
  port: number,
  etcd: string,
  auditLog: string,
): string[] {
  return [
    apiserver,
    `--etcd-servers=${etcd}`,
    `--bind-address=${address}`,
    `--secure-port=${port}`,
    `--tls-cert-file=${file.cert}`,
    `--tls-private-key-file=${file.key}`,
    `--client-ca-file=${file.caCert}`,
    `--token-auth-file=${file.tokens}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file.verifyKey}`,
    `--service-account-signing-key-file=${file.signingKey}`,
    `--service-cluster-ip-range=${serviceNetwork}`,
    '--endpoint-reconciler-type=none',
    `--audit-policy-file=${file.auditPolicy}`,
    `--audit-log-path=${auditLog}`,
    '--audit-log-mode=blocking',
  ];
}

/**
 * Without the controllers that would wait for kubelets: the lab's hosts have none, and their Nodes are what the lab says. A scheduler
 * needs the one that takes the first taint off a Node that says that it is Ready; it must not take silence for death.
 */
function managerCommand(
  { controllerManager }: RealPrograms,
  { controllerManager: kubeconfig, file }: Access,
  scheduler: boolean,
): string[] {
  const without = ['taint-eviction-controller', 'cloud-node-lifecycle-controller'];
  if (!scheduler) without.push('node-lifecycle-controller');
  return [
    controllerManager,
    `--kubeconfig=${kubeconfig}`,
    `--root-ca-file=${file.caCert}`,
    `--service-account-private-key-file=${file.signingKey}`,
    `--controllers=*,${without.map((name) => `-${name}`).join(',')}`,
    '--node-monitor-period=1s',
    '--node-monitor-grace-period=1h',
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--kube-api-qps=1000',
    '--kube-api-burst=1000',
    '--secure-port=0',
  ];
}

/** By the account and with the rights that Kubernetes itself gives it; it listens nowhere. */
function schedulerCommand({ scheduler }: RealPrograms, { scheduler: kubeconfig }: Access): string[] {
  return [scheduler, `--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0'];
}

/** It asks for them when all else that it has to know is on its way. */
function watchesPods(auditLog: string): true | undefined {
  const seen = readAudit(auditLog).some(
    ({ user, verb, resource }) => user === 'system:kube-scheduler' && verb === 'watch' && resource === 'pods',
  );
  return seen ? true : undefined;
}

/** `ok`, or anything parsed, tells that it is there. */
async function answers(client: KubeClient, path: string): Promise<true | undefined> {
  try {
    await client.raw(path);
    return true;
  } catch (error) {
    // /readyz answers a plain `ok`, which is no JSON.
    return error instanceof Error && error.cause instanceof SyntaxError ? true : undefined;
  }
}
