import { CniError, code } from '../api/cni-error.ts';
import { quote } from './fields.ts';
import type { PodRef } from './types.ts';

/** What CNI_ARGS says. */
export interface CniArgs {
  readonly pod: PodRef;
  /** IP=, split at commas; Multus puts the annotation's `ips` there. */
  readonly ips: readonly string[];
  /** MAC=, where Multus puts the annotation's `mac`. */
  readonly mac?: string;
  /** Without IP, MAC, GATEWAY: delegates such as `static` would apply them to every NIC. */
  readonly forDelegates: string;
}

/** Keys that mean one address or one interface, so that they cannot go to several delegates. */
const perAttachment = new Set(['IP', 'MAC', 'GATEWAY']);
const known = new Set([
  ...perAttachment,
  'IgnoreUnknown',
  'K8S_POD_NAMESPACE',
  'K8S_POD_NAME',
  'K8S_POD_UID',
  'K8S_POD_INFRA_CONTAINER_ID',
]);

/**
 * Parses `K=V;K=V`. Like the Go library's LoadArgs, which the delegates call with the same text, it refuses unknown keys
 * unless IgnoreUnknown is set: better before anything is done than from the third NIC's delegate.
 * @param lenient for DEL: whatever cannot be understood is passed over
 * @throws CniError 4
 */
export function parseArgs(text: string, lenient: boolean): CniArgs {
  const pairs = text.split(';').filter((pair) => pair !== '');
  const values = new Map<string, string>();
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    if (equals > 0) values.set(pair.slice(0, equals), pair.slice(equals + 1));
    else if (!lenient) throw invalid(`${quote(pair)} is not of the form KEY=VALUE`);
  }
  if (!lenient) refuseUnknown(values);
  const ips = (values.get('IP') ?? '').split(',').filter((ip) => ip !== '');
  const mac = values.get('MAC') ?? '';
  return {
    pod: {
      namespace: values.get('K8S_POD_NAMESPACE') ?? '',
      name: values.get('K8S_POD_NAME') ?? '',
      uid: values.get('K8S_POD_UID') ?? '',
    },
    ips,
    ...(mac === '' ? {} : { mac }),
    forDelegates: pairs.filter((pair) => !perAttachment.has(keyOf(pair))).join(';'),
  };
}

function keyOf(pair: string): string {
  return pair.slice(0, Math.max(0, pair.indexOf('=')));
}

function refuseUnknown(values: ReadonlyMap<string, string>): void {
  if (isTrue(values.get('IgnoreUnknown'))) return;
  const unknown = [...values.keys()].filter((key) => !known.has(key));
  if (unknown.length === 0) return;
  throw invalid(`unknown keys ${unknown.map((key) => quote(key)).join(', ')}: leave them out or add IgnoreUnknown=1`);
}

function isTrue(text: string | undefined): boolean {
  if (text === undefined || /^(0|false)$/i.test(text)) return false;
  if (/^(1|true)$/i.test(text)) return true;
  throw invalid(`IgnoreUnknown is ${quote(text)}: write 1, true, 0 or false`);
}

function invalid(message: string): CniError {
  return new CniError(code.invalidEnvironment, `CNI_ARGS: ${message}`);
}
