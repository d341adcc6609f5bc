import { openSync, writeSync } from 'node:fs';

/** One request. Watches are recorded when they arrive, all others when they are answered. */
export interface AuditRecord {
  /** When the request arrived, in ms since the epoch. */
  readonly time: number;
  /** User of the bearer token, empty without one. */
  readonly user: string;
  readonly userAgent: string;
  /** Of objects: get, list, watch, create, update, patch, delete, deletecollection; else the HTTP method in lower case. */
  readonly verb: string;
  /** Plural with group, for example `cidrs.multinic.fms.io`; the path for what is no resource. */
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** HTTP status. */
  readonly code: number;
}

export type AuditSink = (record: AuditRecord) => void;

/** A sink that appends one JSON line for each record, complete on return. */
export function auditFile(path: string): AuditSink {
  const file = openSync(path, 'a', 0o600);
  return (record) => {
    writeSync(file, `${JSON.stringify(record)}\n`);
  };
}
