import { existsSync, readFileSync } from 'node:fs';
import type { KubeObject } from '../../../src/api/meta.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import type { ApiRequest } from '../../../src/lab/cluster/api.ts';

/** What is read of an event of audit.k8s.io/v1. */
interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly userAgent?: string;
  readonly requestURI: string;
  readonly requestReceivedTimestamp: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: {
    readonly resource?: string;
    readonly apiGroup?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly responseObject?: KubeObject;
}

/** A request, and the program that sent it in its own words (User-Agent). */
export interface AgentRequest extends ApiRequest {
  readonly agent: string;
  /** What a write of a deployed account was answered, where that is an object. */
  readonly answer?: KubeObject;
}

/** All requests that a real API server has logged, in the words of the lab's own. */
export function readAudit(path: string): AgentRequest[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => trusted<AuditEvent>(JSON.parse(line)))
    .filter(({ verb, stage }) => stage === (verb === 'watch' ? 'ResponseStarted' : 'ResponseComplete'))
    .map(toRequest);
}

function toRequest(event: AuditEvent): AgentRequest {
  const { verb, requestURI, requestReceivedTimestamp, user, objectRef = {}, userAgent = '' } = event;
  const { responseStatus, responseObject } = event;
  const { resource, apiGroup, subresource = '', namespace = '', name = '' } = objectRef;
  return {
    time: Date.parse(requestReceivedTimestamp),
    user: shortName(user),
    verb,
    resource: resource === undefined ? requestURI : [resource, apiGroup].filter(Boolean).join('.'),
    subresource,
    namespace,
    name,
    code: responseStatus?.code ?? 0,
    agent: userAgent,
    ...(responseObject !== undefined && responseObject.kind !== 'Status' && { answer: responseObject }),
  };
}

/** Users as the lab names them: a daemon by the node that its token is bound to. */
function shortName({ username, extra }: AuditEvent['user']): string {
  const account = /^system:serviceaccount:multinic-system:multinic-(.+)$/.exec(username)?.[1];
  if (account === undefined) return username;
  const node = extra?.['authentication.kubernetes.io/node-name']?.[0];
  return node === undefined ? account : `${account}:${node}`;
}
