import { trusted } from '../../../src/kube/calls/json.ts';
import type { Lease } from '../../../src/kube/lease/lease.ts';
import { revisionOf } from '../../support/ledger/history.ts';
import type { LeaseWrite, OperatorWrite } from '../../support/ledger/judges.ts';
import { type AgentRequest, readAudit } from '../control-plane/audit.ts';

/** What the server's own log says of operators. */
export interface Records {
  /** Of the Lease, in the order in which they were received. */
  readonly leases: readonly LeaseWrite[];
  /** All others, refused ones too, but for those that the server dropped as their caller had gone. */
  readonly writes: readonly OperatorWrite[];
  /** Revisions that they have made of kinds whose history is recorded. */
  readonly recorded: readonly number[];
}

const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);
const recordedKinds = /^(nodes|(multinicnetworks|hostinterfaces|cidrslices)\.multinic\.fms\.io)$/;

/**
 * What a server answers to a request whose connection ended before it was carried out. An operator that gives the Lease up cuts its calls
 * first, but the server may take up such a request after the Lease's.
 */
const dropped = 504;

/** Reads them. @throws Error where a write tells nothing of who sent it, or of the state of the Lease */
export function readRecords(auditLog: string): Records {
  const requests = readAudit(auditLog)
    .filter(({ user, verb }) => user === 'operator' && writing.has(verb))
    .toSorted((a, b) => a.time - b.time);
  const isLease = ({ resource }: AgentRequest): boolean => resource.startsWith('leases');
  const works = requests.filter((request) => !isLease(request));
  return {
    leases: requests.filter((request) => isLease(request) && request.code < 300).map(leaseWrite),
    writes: works
      .filter(({ code }) => code !== dropped)
      .map((request) => {
        const { verb, resource, subresource, name, time, code } = request;
        const revision = madeRevision(request);
        return {
          by: identityOf(request),
          what: `${verb} ${[resource, subresource].filter(Boolean).join('/')} ${name} (answered ${code})`,
          at: time,
          ...(revision !== undefined && { revision }),
        };
      }),
    recorded: works
      .filter(({ resource }) => recordedKinds.test(resource))
      .map(madeRevision)
      .filter((revision) => revision !== undefined),
  };
}

function madeRevision({ answer, code }: AgentRequest): number | undefined {
  return answer === undefined || code >= 300 ? undefined : revisionOf(answer);
}

function leaseWrite({ answer, time }: AgentRequest): LeaseWrite {
  if (answer === undefined) throw new Error('the log does not tell what the Lease was');
  return { revision: revisionOf(answer), at: time, holder: trusted<Lease>(answer).spec?.holderIdentity ?? '' };
}

/** From the User-Agent, `multinic-operator/<version> (<identity>)`. */
function identityOf({ agent, verb, resource }: AgentRequest): string {
  const [, identity] = /\((.+)\)$/.exec(agent) ?? [];
  if (identity === undefined)
    throw new Error(`${verb} ${resource}: the log does not tell the operators apart: ${agent}`);
  return identity;
}
