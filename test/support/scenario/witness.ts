import type { ApiRequest } from '../../../src/lab/cluster/api.ts';
import { daemonCalls } from '../../../src/lab/demo/calls.ts';
import type { Lab } from '../../../src/lab/lab.ts';

/** ms since the epoch. */
interface Stretch {
  readonly what: string;
  readonly from: number;
  to: number;
}

type Watched = Pick<Lab, 'addPod' | 'runPod' | 'removePod' | 'close'> & { readonly api: Pick<Lab['api'], 'requests'> };

/**
 * The lab, whose `close` fails when a daemon has asked the API server for anything while a pod was added or removed, or a program has
 * called as somebody else than its own account. Lists and watches are no matter of a pod's: restarts and outages bring them; nor is
 * the end of the IPPools of a network that was deleted before.
 */
export function witnessed<L extends Watched>(lab: L): L {
  const stretches: Stretch[] = [];
  const during = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const stretch: Stretch = { what, from: Date.now(), to: Infinity };
    stretches.push(stretch);
    try {
      return await work();
    } finally {
      stretch.to = Date.now();
    }
  };
  return {
    ...lab,
    addPod: (spec) => during(`ADD of ${spec.name}`, () => lab.addPod(spec)),
    runPod: (namespace, name) => during(`ADD of ${name}`, () => lab.runPod(namespace, name)),
    removePod: (pod) => during(`DEL of ${pod.name}`, () => lab.removePod(pod)),
    close: async () => {
      const problems = problemsOf(lab.api.requests(), stretches);
      await lab.close();
      if (problems.length > 0) throw new Error(problems.join('\n'));
    },
  };
}

const elsewhere = /^(list|watch) |^delete ippools\./;

function problemsOf(requests: readonly ApiRequest[], stretches: readonly Stretch[]): string[] {
  const calls = stretches.flatMap(({ what, from, to }) =>
    daemonCalls(requests, from, to)
      .calls.filter((call) => !elsewhere.test(`${call.verb} ${call.resource}`))
      .map((call) => `during ${what}: ${textOf(call)}`),
  );
  return [...calls, ...requests.filter(isStranger).map((call) => `not by its own account: ${textOf(call)}`)];
}

const textOf = ({ user, verb, resource, name, code }: ApiRequest): string =>
  `${user} ${verb} ${resource} ${name}: ${code}`;

/** Only a real server's log tells programs from people. */
function isStranger(request: ApiRequest): boolean {
  const [, program] = /^multinic-(operator|daemon)\//.exec('agent' in request ? String(request.agent) : '') ?? [];
  return program !== undefined && request.user !== 'operator' && !request.user.startsWith('daemon:');
}
