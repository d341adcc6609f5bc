import { createHash } from 'node:crypto';
import type { DaemonSettings } from '../../api/config-gate.ts';
import type { KubeObject } from '../../api/meta.ts';

/** What a DaemonSet says of its roll-out. */
export interface DaemonSetStatus {
  readonly observedGeneration?: number;
  readonly desiredNumberScheduled?: number;
  readonly updatedNumberScheduled?: number;
  readonly numberAvailable?: number;
}

export type DaemonSet = KubeObject<unknown, DaemonSetStatus>;

export const daemonSetName = 'multinic-daemon';

const managedBy = 'app.kubernetes.io/managed-by';
const appLabels = { 'app.kubernetes.io/name': daemonSetName, 'app.kubernetes.io/part-of': 'multinic' };

/** Every directory of the host that the daemon sees; the mount of a network namespace made later has to arrive, too. */
const hostMounts = [
  { name: 'state', path: '/var/lib/multinic', type: 'DirectoryOrCreate' },
  { name: 'run', path: '/run/multinic', type: 'DirectoryOrCreate' },
  { name: 'netns', path: '/run/netns', type: 'DirectoryOrCreate', mountPropagation: 'HostToContainer' },
  // What delegates keep from ADD to DEL (sriov-cni, host-local; tuning; the socket of dhcp): it outlives the daemon's container.
  { name: 'cni-state', path: '/var/lib/cni', type: 'DirectoryOrCreate' },
  { name: 'cni-run', path: '/run/cni', type: 'DirectoryOrCreate' },
  // kubelet's socket that says which devices pods have.
  { name: 'pod-resources', path: '/var/lib/kubelet/pod-resources', type: 'DirectoryOrCreate', readOnly: true },
] as const;

/** Where the init container sees the host's directory of CNI plugins. */
const shimTarget = '/host/cni-bin';

/** The daemons' DaemonSet: only the fields that are ours, as server-side apply wants them. */
export function daemonSet(settings: DaemonSettings, namespace: string): DaemonSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: daemonSetName, namespace, labels: { ...appLabels, [managedBy]: 'multinic-operator' } },
    spec: {
      selector: { matchLabels: appLabels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '10%' } },
      template: {
        metadata: { labels: appLabels, annotations: scrapeAnnotations(settings.port) },
        spec: {
          serviceAccountName: daemonSetName,
          hostNetwork: true,
          // Network namespaces of pods are named by /proc/<pid> too, and delegates run in the namespaces of the host's PID 1.
          hostPID: true,
          dnsPolicy: 'Default',
          priorityClassName: 'system-node-critical',
          terminationGracePeriodSeconds: 30,
          nodeSelector: settings.nodeSelector,
          tolerations: settings.tolerations,
          ...(settings.imagePullSecret !== undefined && { imagePullSecrets: [{ name: settings.imagePullSecret }] }),
          initContainers: [installer(settings)],
          containers: [container(settings)],
          volumes: [
            { name: 'cni-bin', hostPath: { path: settings.cniBinDir, type: 'DirectoryOrCreate' } },
            ...hostMounts.map(({ name, path, type }) => ({ name, hostPath: { path, type } })),
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}

/** Puts the shim beside the other CNI plugins, before the daemon that answers it starts. */
function installer(settings: DaemonSettings): Record<string, unknown> {
  return {
    name: 'install-shim',
    ...imageOf(settings),
    args: ['install-shim', shimTarget],
    resources: { requests: { cpu: '10m', memory: '50Mi' } },
    securityContext: {
      // The directory belongs to root; where SELinux is on, only a privileged container may write it.
      privileged: true,
      readOnlyRootFilesystem: true,
      runAsUser: 0,
    },
    volumeMounts: [{ name: 'cni-bin', mountPath: shimTarget }],
  };
}

function container(settings: DaemonSettings): Record<string, unknown> {
  const { port, cniBinDir, logLevel, args, env, envFrom, resources } = settings;
  const probe = (path: string): Record<string, unknown> => ({ httpGet: { path, port: 'health' } });
  return {
    name: 'daemon',
    ...imageOf(settings),
    // The node's own address, of whichever family: not those of the NICs that pods share.
    args: ['daemon', '--host-pid=1', `--health-listen=[$(POD_IP)]:${port}`, `--log-level=${logLevel}`, ...args],
    env: [fieldEnv('NODE_NAME', 'spec.nodeName'), fieldEnv('POD_IP', 'status.podIP'), ...env],
    ...(envFrom.length > 0 && { envFrom }),
    ports: [{ name: 'health', containerPort: port, hostPort: port, protocol: 'TCP' }],
    resources,
    // Privileged: it sets sysctls in pods (their /proc/sys is read-only without), enters namespaces and makes links in them.
    securityContext: { privileged: true, readOnlyRootFilesystem: true, runAsUser: 0 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, failureThreshold: 6 },
    volumeMounts: [
      // Under the host's own path: Multus names it so in CNI_PATH.
      { name: 'cni-bin', mountPath: cniBinDir, readOnly: true },
      ...hostMounts.map(({ name, path, ...rest }) => ({
        name,
        mountPath: path,
        ...('mountPropagation' in rest && { mountPropagation: rest.mountPropagation }),
        ...('readOnly' in rest && { readOnly: rest.readOnly }),
      })),
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function fieldEnv(name: string, fieldPath: string): Record<string, unknown> {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

/** By which many a Prometheus finds what to read; docs/metrics.md has the way of the Prometheus operator. */
function scrapeAnnotations(port: number): Record<string, string> {
  return { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(port) };
}

function imageOf({ image, imagePullPolicy }: DaemonSettings): Record<string, unknown> {
  return { image, ...(imagePullPolicy !== undefined && { imagePullPolicy }) };
}

/** Changes with every field that is applied. */
export function hashOf(wanted: DaemonSet): string {
  return createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16);
}

/** What the Config's status remembers of the DaemonSet that was last applied. */
export interface Applied {
  readonly uid: string;
  readonly generation: number;
  readonly hash: string;
}

/** Whether a DaemonSet of our name was made by an operator; the status remembers it should its label have been edited away. */
export function isOurDaemonSet(existing: DaemonSet, applied: Applied | undefined): boolean {
  return existing.metadata.labels?.[managedBy] === 'multinic-operator' || existing.metadata.uid === applied?.uid;
}

/** Whether it stands as it was applied last: every edit of its spec raises the generation, whatever the server fills in. */
export function isAsApplied(existing: DaemonSet, wanted: DaemonSet, applied: Applied | undefined): boolean {
  const { uid, generation, labels } = existing.metadata;
  return (
    uid === applied?.uid &&
    generation === applied?.generation &&
    hashOf(wanted) === applied?.hash &&
    Object.entries(wanted.metadata.labels ?? {}).every(([key, value]) => labels?.[key] === value)
  );
}
