import { CniError, code } from '../../../api/cni-error.ts';
import type { CniResult, ContainerCall } from '../../../cni/types.ts';
import { checkAll } from '../../../delegates/parallel.ts';
import type { Family } from '../../../net/address.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import { type AttachContext, delegateContext } from '../context.ts';
import { missingOf, wrongMtus } from '../look/present.ts';
import { familiesOf, missingRoutes } from '../look/present-routes.ts';
import { chainedRules, missingRules, type WantedRule } from '../look/present-rules.ts';
import { missingSourceRoutes, sourceRules } from '../make/source-routing.ts';

/**
 * CHECK: every interface, address, route, rule and MTU that ADD made is in the namespace, and every delegate says so too.
 * @throws CniError 3 for an attachment that is not known, 8 without a namespace, 11 while it is being made or undone, 999 naming
 * all that is missing, else what the delegates said, with the code of the first
 */
export async function check(context: AttachContext, call: ContainerCall): Promise<void> {
  await context.locks.run(call.key.containerID, async () => {
    const name = keyText(call.key);
    const record = context.store.attachments.get(name);
    if (record === undefined) {
      throw new CniError(
        code.unknownContainer,
        `attachment ${name} is not known on this host: it was never added, or deleted`,
      );
    }
    if (record.result === undefined || record.state !== 'ready') {
      throw new CniError(code.tryAgainLater, `attachment ${name} is ${record.state}: delete it and add it again`);
    }
    if (context.kernel.netnsId(call.netns) === undefined) {
      throw new CniError(code.invalidNetns, `CNI_NETNS ${call.netns} of attachment ${name} is no network namespace`);
    }
    const rules = [...chainedRules(record.calls, resultsOf(record)), ...sourceRules(record.calls)];
    const wanted = asAnswered(record.result, call.conf.prevResult);
    const problems = await look(context, call, wanted, rules, record.calls);
    if (problems.length > 0) {
      throw new CniError(code.internal, `attachment ${name} in ${call.netns}: ${problems.join('; ')}`);
    }
    const results = resultsOf(record).map((result) => withoutHostMacs(withoutTaken(result, call.conf.prevResult)));
    await checkAll(context.delegates, record.calls, delegateContext(context, record, call.netns), results);
  });
}

async function look(
  { kernel }: AttachContext,
  { netns }: ContainerCall,
  wanted: CniResult,
  rules: readonly WantedRule[],
  calls: AttachmentRecord['calls'],
): Promise<readonly string[]> {
  const links = await kernel.links(netns);
  const problems = [...missingOf(wanted, links), ...wrongMtus(wanted, links)];
  if (problems.length > 0) return problems;
  const tables = await Promise.all(
    familiesOf(wanted).map((family: Family) => kernel.routes({ family, table: 'all', netns })),
  );
  const families = [...new Set(rules.map(({ from }) => from.family))];
  const found = await Promise.all(families.map((family) => kernel.rules({ family, netns })));
  const routes = tables.flat();
  return [
    ...missingRoutes(wanted, routes),
    ...missingSourceRoutes(calls, routes),
    ...missingRules(rules, found.flat()),
  ];
}

/** prevResult is what the whole chain answered: where it has another MAC or MTU, a chained plugin has changed it on purpose. */
function asAnswered(own: CniResult, previous: CniResult | undefined): CniResult {
  const interfaces = own.interfaces.map((entry) => {
    const later = previous?.interfaces.find(({ name, sandbox }) => name === entry.name && sandbox !== undefined);
    return {
      ...entry,
      ...(later?.mac === undefined ? {} : { mac: later.mac }),
      ...(later?.mtu === undefined ? {} : { mtu: later.mtu }),
    };
  });
  return { ...withoutTaken(own, previous), interfaces };
}

/** Multus takes default routes away (`default-route` of another attachment), and out of prevResult. */
function withoutTaken(result: CniResult, previous: CniResult | undefined): CniResult {
  const stays = ({ dst }: CniResult['routes'][number]): boolean =>
    previous === undefined || !dst.endsWith('/0') || previous.routes.some((route) => route.dst === dst);
  return { ...result, routes: result.routes.filter(stays) };
}

/** A bridge has the lowest MAC of its ports, which come and go with other pods, while the bridge plugin compares it with that at ADD. */
function withoutHostMacs(result: CniResult): CniResult {
  const interfaces = result.interfaces.map((entry) => {
    if (entry.sandbox !== undefined) return entry;
    const { mac: _, ...rest } = entry;
    return rest;
  });
  return { ...result, interfaces };
}

function resultsOf({ delegateResults }: AttachmentRecord): readonly CniResult[] {
  return delegateResults ?? [];
}
