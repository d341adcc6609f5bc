import { Findings } from './findings.ts';
import type { Config, ConfigSpec } from './kinds/config.ts';
import { directoryPattern, durationPattern, tableRange } from './kinds/config-rules.ts';
import type { Parsed } from './problem.ts';

/** The one Config that is obeyed. */
export const configName = 'multinic';
/** The predecessor's: it names its own image, mounts and port. */
export const predecessorConfigName = 'multi-nicd';

type Json = Readonly<Record<string, unknown>>;

/** Settings of the daemons behind the gate. What is absent is left to the daemon's own default. */
export interface DaemonSettings {
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly imagePullSecret?: string;
  /** Of health and metrics, on every address of the host. */
  readonly port: number;
  readonly env: readonly Json[];
  readonly envFrom: readonly Json[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Json[];
  readonly resources: Json;
  /** Where the host keeps CNI plugins. */
  readonly cniBinDir: string;
  readonly logLevel: string;
  /** Further arguments of `multinic daemon`. */
  readonly args: readonly string[];
}

const levels = ['error', 'warn', 'info', 'debug', 'trace'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];
const durationText = new RegExp(durationPattern);
const directory = new RegExp(directoryPattern);
/** Set by the DaemonSet itself. */
const reservedEnv = ['NODE_NAME'];

/**
 * The one gate for the Config: fields of the predecessor that have no meaning here (paths, timers, mounts, securityContext) are passed
 * over.
 * @param image where the Config names none: the operator's own
 */
export function parseConfig({ spec = {} }: Config, image: string | undefined): Parsed<DaemonSettings> {
  const findings = new Findings();
  const daemon = spec.daemon ?? {};
  const settings: DaemonSettings = {
    image: parseImage(daemon.image, image, findings),
    ...oneOf('spec.daemon.imagePullPolicy', daemon.imagePullPolicy, findings),
    ...(daemon.imagePullSecretName && { imagePullSecret: daemon.imagePullSecretName }),
    port: parsePort(daemon.port, findings),
    env: parseEnv(daemon.env ?? [], findings),
    envFrom: daemon.envFrom ?? [],
    nodeSelector: { 'kubernetes.io/os': 'linux', ...daemon.nodeSelector },
    // A host without a daemon attaches no pod: the daemon runs wherever pods may.
    tolerations: daemon.tolerations ?? [{ operator: 'Exists' }],
    resources: daemon.resources ?? { requests: { cpu: '100m', memory: '100Mi' } },
    cniBinDir: parseDirectory(spec.cniBinDir, findings),
    logLevel: parseLevel(spec.logLevel, findings),
    args: parseArgs(spec, findings),
  };
  if (findings.problems.length > 0) return { ok: false, problems: findings.problems };
  return { ok: true, value: settings };
}

function parseImage(given: string | undefined, fallback: string | undefined, findings: Findings): string {
  const image = given || fallback;
  if (image === undefined) {
    findings.add('spec.daemon.image', 'is missing, and the operator does not know its own image: name one');
  } else if (/(^|\/)multi-nic-cni-daemon(:|@|$)/.test(image)) {
    findings.add(
      'spec.daemon.image',
      `"${image}" is the predecessor's daemon: leave it out for the operator's own image`,
    );
  }
  return image ?? '';
}

function oneOf(path: string, text: string | undefined, findings: Findings): { imagePullPolicy?: string } {
  if (text === undefined || text === '') return {};
  if (!pullPolicies.includes(text)) findings.add(path, `"${text}" is unknown: ${pullPolicies.join(', ')}`);
  return { imagePullPolicy: text };
}

function parsePort(port: number | undefined, findings: Findings): number {
  if (port !== undefined && (port < 1 || port > 65_535))
    findings.add('spec.daemon.port', `${port} is no port: 1 to 65535`);
  return port ?? 11_000;
}

function parseEnv(env: readonly Json[], findings: Findings): readonly Json[] {
  env.forEach(({ name }, index) => {
    const path = `spec.daemon.env[${index}].name`;
    if (typeof name !== 'string' || name === '') findings.add(path, 'is missing');
    else if (reservedEnv.includes(name)) findings.add(path, `${name} is set by multinic: leave it out`);
  });
  return env;
}

function parseDirectory(path: string | undefined, findings: Findings): string {
  if (path === undefined || path === '') return '/opt/cni/bin';
  if (!directory.test(path) || path.split('/').includes('..')) {
    findings.add('spec.cniBinDir', `"${path}" is no absolute path of a directory, for example /opt/cni/bin`);
  }
  return path;
}

/** Levels above 5, which the predecessor knew, are trace. */
function parseLevel(level: number | undefined, findings: Findings): string {
  if (level === undefined) return 'info';
  if (level < 1) findings.add('spec.logLevel', `${level} is none: 1 (error), 2 (warn), 3 (info), 4 (debug), 5 (trace)`);
  return levels[Math.min(Math.max(level, 1), levels.length) - 1] ?? 'info';
}

function parseArgs(spec: ConfigSpec, findings: Findings): string[] {
  const { cooldown, delegateTimeout, routeTables, nics } = spec;
  if (routeTables !== undefined) checkTables(routeTables, findings);
  return [
    ...duration('cooldown', '--cooldown', cooldown, findings),
    ...duration('delegateTimeout', '--delegate-timeout', delegateTimeout, findings),
    ...(routeTables === undefined ? [] : [`--route-tables=${routeTables.first ?? 0}-${routeTables.last ?? 0}`]),
    ...(nics?.include ?? []).map((glob) => `--nics-include=${glob}`),
    ...(nics?.exclude ?? []).map((glob) => `--nics-exclude=${glob}`),
  ];
}

function duration(field: string, flag: string, text: string | undefined, findings: Findings): string[] {
  if (text === undefined || text === '') return [];
  if (!durationText.test(text)) {
    findings.add(`spec.${field}`, `"${text}" is no duration: write a number and a unit: 500ms, 60s, 2m, 2h`);
  }
  return [`${flag}=${text}`];
}

function checkTables({ first = 0, last = 0 }: NonNullable<ConfigSpec['routeTables']>, findings: Findings): void {
  if (first >= tableRange.first && last >= first && last <= tableRange.last) return;
  findings.add(
    'spec.routeTables',
    `${first} to ${last}: give first and last, from ${tableRange.first} on, for example 20000 and 20999`,
  );
}
