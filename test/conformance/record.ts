import { isObject } from '../../src/cni/fields.ts';
import type { Finding } from './suite.ts';

/** One column of docs/conformance.md: how a plugin did on a day. */
export interface ConformanceRecord {
  readonly name: string;
  readonly version: string;
  readonly kernel: string;
  /** YYYY-MM-DD */
  readonly date: string;
  readonly findings: readonly Finding[];
}

export function recordText(run: Omit<ConformanceRecord, 'date'>): string {
  const date = new Date().toISOString().slice(0, 10);
  const { name, version, kernel, findings } = run;
  return `${JSON.stringify({ name, version, kernel, date, findings }, null, 2)}\n`;
}

/** @throws Error for a file that recordText has not written */
export function readRecord(text: string): ConformanceRecord {
  const json: unknown = JSON.parse(text);
  const { name, version, kernel, date, findings } = isObject(json) ? json : {};
  if (!Array.isArray(findings)) throw new Error('this is no record of `npm run conformance -- --record FILE`');
  return {
    name: String(name),
    version: String(version),
    kernel: String(kernel),
    date: String(date),
    findings: findings.filter(isObject).map(readFinding),
  };
}

export function readFinding(json: Readonly<Record<string, unknown>>): Finding {
  const { id, title, passed, notApplicable, detail } = json;
  return {
    id: Number(id),
    title: String(title),
    passed: passed === true,
    ...(notApplicable === true ? { notApplicable: true } : {}),
    detail: String(detail),
  };
}
