import { CniError } from '../api/cni-error.ts';
import { readResult, resultObject } from '../cni/result.ts';
import type { CniResult, Verb } from '../cni/types.ts';
import { isOlder } from '../cni/versions.ts';
import { delegateError, type Subject, subjectText } from './failure.ts';
import { isObject } from './json.ts';
import { versionOf } from './plan.ts';
import type { DelegateCall } from './types.ts';

/** DEL and CHECK get the recorded result from 0.4.0 on, as the specification has it; a chain's ADD always. */
export function withRecorded(call: DelegateCall, verb: Verb, recorded: CniResult | undefined): unknown {
  const version = versionOf(call);
  if (recorded === undefined || (verb !== 'ADD' && isOlder(version, '0.4.0'))) return call.config;
  return { ...call.config, prevResult: resultObject(recorded, version) };
}

/** What an ADD printed. @throws CniError naming NIC and delegate */
export function resultOf(subject: Subject, call: DelegateCall, stdout: string): CniResult {
  const json = parse(subject, stdout);
  if (!isObject(json)) throw delegateError(subject, 'printed no result object', stdout.slice(0, 300));
  try {
    return readResult(json, versionOf(call));
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    throw new CniError(
      error.code,
      `${subjectText(subject)} printed a wrong result: ${error.message}`,
      error.details,
      error,
    );
  }
}

/** @throws CniError for what is no JSON */
export function parse(subject: Subject, stdout: string): unknown {
  if (stdout.trim() === '') throw delegateError(subject, 'ended well but printed nothing');
  try {
    return JSON.parse(stdout);
  } catch (cause) {
    throw delegateError(subject, 'printed no JSON', stdout.slice(0, 300), cause);
  }
}
