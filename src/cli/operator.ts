import { Command, Option } from 'commander';
import { createClient } from '../kube/client.ts';
import { loadCluster } from '../kube/config.ts';
import { createLogger, type LogLevel, logLevels } from '../observe/logger.ts';
import { runOperator } from '../operator/run.ts';
import { untilSignal } from './signals.ts';

interface Flags {
  kubeconfig?: string;
  logLevel: LogLevel;
}

/** `multinic operator`: one cluster. */
export function operatorCommand(): Command {
  return new Command('operator')
    .description('plan addresses and write NetworkAttachmentDefinitions (one per cluster)')
    .option('--kubeconfig <file>', 'cluster and credentials; default: the service account of the pod')
    .addOption(new Option('--log-level <level>', 'what to log').choices(logLevels).default('info'))
    .action(async (flags: Flags, command: Command) => {
      const logger = createLogger({ program: 'multinic-operator', level: flags.logLevel });
      const cluster = await loadCluster({
        ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
        env: process.env,
      });
      const version = command.parent?.version() ?? 'dev';
      const client = createClient({ cluster, userAgent: `multinic-operator/${version}` });
      try {
        await runOperator({ client, logger, signal: untilSignal() });
      } finally {
        await client.close();
      }
    });
}
