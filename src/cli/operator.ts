import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { messageOf } from '../api/message-of.ts';
import { createClient } from '../kube/calls/client.ts';
import { loadCluster } from '../kube/calls/config.ts';
import { monotonicClock } from '../kube/clock.ts';
import { createElection } from '../kube/lease/election.ts';
import { createLeadership } from '../kube/lease/leadership.ts';
import { parsePrefix } from '../net/prefix.ts';
import { serveHealth } from '../observe/health.ts';
import { createLogger, type LogLevel, logLevels } from '../observe/logger.ts';
import type { OperatorMetrics } from '../observe/operator-metrics.ts';
import { createReadiness } from '../observe/readiness.ts';
import { ownImage } from '../operator/config/own-image.ts';
import { toldPrefixes } from '../operator/decide/cluster-prefixes.ts';
import { runOperator } from '../operator/run.ts';
import { untilSignal } from './signals.ts';

interface Flags {
  kubeconfig?: string;
  daemons: boolean;
  daemonImage?: string;
  leaderElect: boolean;
  leaderElectNamespace: string;
  identity?: string;
  clusterNetwork?: string[];
  sriovNamespace: string;
  healthListen: string;
  logLevel: LogLevel;
}

/** `multinic operator`: one cluster. */
export function operatorCommand(): Command {
  return new Command('operator')
    .description('plan addresses and write NetworkAttachmentDefinitions: of several in a cluster one leads')
    .option('--kubeconfig <file>', 'cluster and credentials; default: the service account of the pod')
    .option('--leader-elect', 'work only while holding the Lease multinic-operator', true)
    .option('--no-leader-elect', 'this operator is the only one: work without a Lease')
    .option(
      '--leader-elect-namespace <name>',
      'where the Lease is kept',
      process.env['POD_NAMESPACE'] ?? 'multinic-system',
    )
    .option(
      '--daemons',
      'run the daemons: a DaemonSet in the namespace of this pod, as the Config multinic says',
      false,
    )
    .option('--daemon-image <image>', "image of the daemons where the Config names none; default: this pod's own")
    .option(
      '--identity <name>',
      'holder of the Lease; another for each process; default: name of the pod or host, and a random part',
      holder,
    )
    .option(
      '--cluster-network <prefix...>',
      'prefixes of services and pods, which no subnet may overlap; default: what the Nodes tell',
      prefixes,
    )
    .option(
      '--sriov-namespace <name>',
      'where the SR-IOV network operator has its objects',
      'openshift-sriov-network-operator',
    )
    .option('--health-listen <address:port>', 'read-only /healthz, /readyz, /metrics; "off" for none', 'off')
    .addOption(new Option('--log-level <level>', 'what to log').choices(logLevels).default('info'))
    .action(async (flags: Flags, command: Command) => {
      const logger = createLogger({ program: 'multinic-operator', level: flags.logLevel });
      const cluster = await loadCluster({
        ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
        env: process.env,
      });
      const identity = flags.identity ?? `${process.env['POD_NAME'] ?? hostname()}_${randomBytes(4).toString('hex')}`;
      const version = command.parent?.version() ?? 'dev';
      const userAgent = `multinic-operator/${version} (${identity})`;
      const inPod = flags.kubeconfig === undefined;
      const serviceHost = inPod ? process.env['KUBERNETES_SERVICE_HOST'] : undefined;
      const clusterNetworks = toldPrefixes(flags.clusterNetwork ?? [], serviceHost);
      const metrics = flags.healthListen === 'off' ? undefined : await loadMetrics();
      const readiness = createReadiness(['lists']);
      const counting = metrics === undefined ? {} : { onCall: metrics.apiCall };
      const elector = createClient({ cluster, userAgent, ...counting });
      const signal = untilSignal();
      const clock = monotonicClock();
      const leadership = createLeadership(clock);
      const client = createClient({
        cluster,
        userAgent,
        ...counting,
        ...(flags.leaderElect && { mayWrite: () => leadership.holds() }),
      });
      const election = createElection({
        client: elector,
        namespace: flags.leaderElectNamespace,
        name: 'multinic-operator',
        identity,
        leadership,
        clock,
        logger,
        signal,
      });
      const health = metrics && (await serveHealth(flags.healthListen, readiness, metrics));
      if (health !== undefined) logger.info({ at: health.at }, 'health and metrics are served');
      try {
        const namespace = process.env['POD_NAMESPACE'] ?? 'multinic-system';
        const { daemonImage } = flags;
        const image =
          daemonImage === undefined
            ? ownImage(client, namespace, process.env['POD_NAME'])
            : () => Promise.resolve(daemonImage);
        await runOperator({
          client,
          logger,
          signal,
          identity,
          clusterNetworks,
          sriovNamespace: flags.sriovNamespace,
          ...(metrics && { metrics }),
          readiness,
          ...(flags.leaderElect && { election }),
          ...(flags.daemons && { daemons: { namespace, image } }),
        });
      } finally {
        await Promise.all([client.close(), elector.close(), health?.close()]);
      }
    });
}

/** Their library takes a third of a second to load: only who shows them waits for it. */
async function loadMetrics(): Promise<OperatorMetrics> {
  const { createOperatorMetrics } = await import('../observe/operator-metrics.ts');
  return createOperatorMetrics();
}

/** Adds one to those before it. */
function prefixes(text: string, before: readonly string[] = []): string[] {
  try {
    parsePrefix(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return [...before, text];
}

/** It stands in the user agent. */
function holder(text: string): string {
  if (/^[\w.-]{1,128}$/.test(text)) return text;
  throw new InvalidArgumentError('write 1 to 128 letters, digits, ".", "_" or "-"');
}
