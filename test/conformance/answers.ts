import { isObject } from '../../src/cni/fields.ts';
import type { Run } from './run-program.ts';
import { Broken, expect, short } from './statement.ts';
import type { Json } from './subject.ts';

/** What a refusal said. */
export interface Refusal {
  readonly code: number;
  readonly msg: string;
  /** `msg` and `details`. */
  readonly text: string;
  readonly json: Json;
}

/** For messages: how a run ended and what it printed. */
export function told(run: Run): string {
  const end = run.late
    ? `was still running after ${Math.round(run.ms)} ms`
    : run.status === undefined
      ? `was ended by ${run.signal}`
      : `exit ${run.status}`;
  const said = short(run.stdout) || short(run.stderr);
  return said === '' ? `${end}, nothing printed` : `${end}: ${said}`;
}

/** The one JSON object that a successful ADD or VERSION printed. */
export function objectOf(run: Run, what: string): Json {
  expect(!run.late && run.status === 0, `${what}: ${told(run)}`);
  const json = parse(run.stdout);
  if (!isObject(json)) throw new Broken(`${what}: stdout is no JSON object: ${told(run)}`);
  return json;
}

/** A successful DEL, CHECK, GC or STATUS, which prints nothing. */
export function quiet(run: Run, what: string): void {
  expect(!run.late && run.status === 0, `${what}: ${told(run)}`);
  expect(run.stdout.trim() === '', `${what}: it should print nothing: ${told(run)}`);
}

/** A refusal in the form of the specification, with one of the codes where they are given. */
export function refused(run: Run, what: string, codes: readonly number[] = []): Refusal {
  expect(!run.late && run.status !== undefined, `${what}: ${told(run)}`);
  expect(run.status !== 0, `${what}: it should fail: ${told(run)}`);
  const json = parse(run.stdout);
  if (!isObject(json)) throw new Broken(`${what}: no error object on stdout: ${told(run)}`);
  const { code, msg, details } = json;
  if (typeof code !== 'number' || !Number.isInteger(code) || typeof msg !== 'string' || msg === '') {
    throw new Broken(`${what}: an error object has an integer code and a msg: ${told(run)}`);
  }
  if (codes.length > 0 && !codes.includes(code)) {
    throw new Broken(`${what}: code ${code} where ${codes.join(' or ')} is due: ${short(msg)}`);
  }
  return { code, msg, text: `${msg} ${typeof details === 'string' ? details : ''}`, json };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Objects of a list of a result. */
export function items(json: Json, key: string): readonly Json[] {
  const list = json[key];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

/** Interfaces of a result that are in the container. */
export function inContainer(json: Json): readonly Json[] {
  return items(json, 'interfaces').filter(({ sandbox }) => typeof sandbox === 'string' && sandbox !== '');
}

/** Addresses of a result, without prefix length. */
export function addressesOf(json: Json): readonly string[] {
  return items(json, 'ips').map(({ address }) => String(address).replace(/\/.*/, ''));
}
