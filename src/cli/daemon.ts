import { hostname } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { AttachDeps } from '../daemon/attach/deps.ts';
import { runDaemon } from '../daemon/main.ts';
import type { DaemonOptions } from '../daemon/options.ts';
import { createLogger, type LogLevel, logLevels } from '../observe/logger.ts';
import { untilSignal } from './signals.ts';

/** `multinic daemon`: one host. @param onStep as of the engine, for tests */
export function daemonCommand(onStep?: AttachDeps['onStep']): Command {
  return new Command('daemon')
    .description('serve one host: addresses, delegates and routes')
    .option('--node <name>', 'name of the Node object of this host', process.env['NODE_NAME'] ?? hostname())
    .option('--kubeconfig <file>', 'cluster and credentials; default: the service account of the pod')
    .option('--state-dir <dir>', 'where state survives restarts and reboots', '/var/lib/multinic')
    .option('--run-dir <dir>', 'where the socket is made', '/run/multinic')
    .option('--nics-include <glob...>', 'links without a device that belong to the pool (eth[1-9]*); default: none')
    .option('--nics-exclude <glob...>', 'links that never belong to the pool; default: none')
    .addOption(minute('--cooldown <duration>', 'rest of a released address while others are free'))
    .addOption(minute('--delegate-timeout <duration>', 'limit of one delegate call'))
    .option('--host-pid <pid>', 'run delegates in the mount and network namespace of this process (1: the host)', pid)
    .addOption(
      new Option(
        '--executor <name>',
        'who makes plain ipvlan and macvlan links: the daemon itself, or always delegates',
      )
        .choices(['direct', 'delegates'])
        .default('direct'),
    )
    .addOption(minute('--gc-interval <duration>', 'between two looks for attachments whose pods went without DEL'))
    .option(
      '--pod-resources <socket>',
      'where kubelet says which devices pods have',
      '/var/lib/kubelet/pod-resources/kubelet.sock',
    )
    .addOption(
      new Option('--route-tables <first-last>', 'numbers of route tables to choose from')
        .argParser(tables)
        .default(tables(defaultTables), defaultTables),
    )
    .option('--health-listen <address:port>', 'read-only /healthz, /readyz, /metrics; "off" for none', '0.0.0.0:11000')
    .addOption(new Option('--log-level <level>', 'what to log').choices(logLevels).default('info'))
    .action(async (flags: Flags) => {
      const options: DaemonOptions = {
        node: flags.node,
        ...(flags.kubeconfig !== undefined && { kubeconfig: flags.kubeconfig }),
        stateDir: flags.stateDir,
        runDir: flags.runDir,
        nicsInclude: flags.nicsInclude ?? [],
        nicsExclude: flags.nicsExclude ?? [],
        cooldownMs: flags.cooldown,
        delegateTimeoutMs: flags.delegateTimeout,
        ...(flags.hostPid !== undefined && { hostPid: flags.hostPid }),
        gcIntervalMs: flags.gcInterval,
        executor: flags.executor,
        podResources: flags.podResources,
        routeTables: flags.routeTables,
        healthListen: flags.healthListen,
      };
      const log = createLogger({ program: 'multinic-daemon', level: flags.logLevel });
      await runDaemon(options, log, untilSignal(), onStep);
    });
}

interface Flags {
  node: string;
  kubeconfig?: string;
  stateDir: string;
  runDir: string;
  nicsInclude?: string[];
  nicsExclude?: string[];
  cooldown: number;
  delegateTimeout: number;
  hostPid?: number;
  gcInterval: number;
  executor: DaemonOptions['executor'];
  podResources: string;
  routeTables: DaemonOptions['routeTables'];
  healthListen: string;
  logLevel: LogLevel;
}

const defaultTables = '20000-20999';

/** A duration of 60s unless told. */
function minute(flag: string, description: string): Option {
  return new Option(flag, description).argParser(duration).default(60_000, '60s');
}

const units = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** `500ms`, `60s`, `2m`, `2h` in ms. */
function duration(text: string): number {
  const match = /^(\d+)([a-z]+)$/.exec(text);
  const unit = units.get(match?.[2] ?? '');
  if (match === null || unit === undefined) {
    throw new InvalidArgumentError('write a number and a unit: 500ms, 60s, 2m, 2h');
  }
  return Number(match[1]) * unit;
}

function pid(text: string): number {
  const value = Number(text);
  if (!/^[1-9]\d*$/.test(text) || !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError('write the id of a process: 1');
  }
  return value;
}

/** `20000-20999`; 0 and 253 to 255 are the kernel's own. */
function tables(text: string): DaemonOptions['routeTables'] {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || first < 256 || last < first || last > 0xffffffff) {
    throw new InvalidArgumentError('write the first and the last table, from 256 on: 20000-20999');
  }
  return { first, last };
}
