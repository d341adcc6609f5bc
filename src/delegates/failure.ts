import { CniError, code } from '../api/cni-error.ts';
import type { Verb } from '../cni/types.ts';
import { isObject } from './json.ts';
import type { PluginRun } from './process.ts';

/** Whose failure it is: shown first in every message. */
export interface Subject {
  /** Absent for VERSION. */
  readonly nic?: string;
  readonly plugin: string;
  readonly verb: Verb;
}

/** `NIC eth1: macvlan ADD`. */
export function subjectText({ nic, plugin, verb }: Subject): string {
  return nic === undefined ? `${plugin} ${verb}` : `NIC ${nic}: ${plugin} ${verb}`;
}

/** A failure of a delegate that gives no code itself. */
export function delegateError(subject: Subject, what: string, details = '', cause?: unknown): CniError {
  return new CniError(code.delegate, `${subjectText(subject)} ${what}`, details, cause);
}

/**
 * What a plugin that did not end with status 0 has to say: the code and message of its error object, else the end of its
 * stderr or stdout.
 */
export function failureOf(subject: Subject, run: PluginRun): CniError {
  const stderr = run.stderr.trim();
  if (run.end.kind === 'late') {
    return delegateError(subject, `did not end within ${run.end.ms} ms and was ended`, stderr);
  }
  if (run.end.kind === 'aborted') return delegateError(subject, 'was ended as its caller has gone', stderr);
  if (run.end.kind === 'flood') {
    return delegateError(subject, `wrote more than ${run.end.bytes} bytes and was ended`, stderr);
  }
  if (run.end.kind === 'held') {
    return delegateError(
      subject,
      `ended, but something that it started kept its output open for ${run.end.ms} ms more and was ended`,
      stderr,
    );
  }
  const said = errorObject(run.stdout);
  if (said !== undefined) {
    const details = [said.details, stderr].filter((part) => part !== '').join('; ');
    return new CniError(said.code, `${subjectText(subject)} failed: ${said.msg}`, details);
  }
  const how = run.end.kind === 'signal' ? `was ended by ${run.end.signal}` : `failed with status ${run.end.status}`;
  const words = tail(stderr) || tail(run.stdout.trim());
  return delegateError(subject, words === '' ? `${how} and said nothing` : `${how}: ${words}`, stderr);
}

/** The error object of CNI 1.1.0 section 5, as far as it is one. */
function errorObject(stdout: string): { code: number; msg: string; details: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(stdout);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { code: number, msg, details } = value;
  if (typeof msg !== 'string' || msg === '') return undefined;
  return {
    code: typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : code.delegate,
    msg,
    details: typeof details === 'string' ? details : '',
  };
}

function tail(text: string): string {
  return text.length > 300 ? `…${text.slice(-300)}` : text;
}
