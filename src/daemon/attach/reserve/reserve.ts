import { CniError, code } from '../../../api/cni-error.ts';
import { delegateOf } from '../../../api/delegations.ts';
import type { HostPlan } from '../../../api/host.ts';
import { interfaceNames } from '../../../cni/interface-names.ts';
import type { CniVersion, ContainerCall } from '../../../cni/types.ts';
import { type MetaPlugin, readMetaPlugins } from '../../../delegates/meta-plugins.ts';
import { type ChosenNic, negotiate, planCalls } from '../../../delegates/plan.ts';
import type { Link } from '../../../kernel/types.ts';
import type { Chosen } from '../../../policy/types.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { lend, lends, lentCall } from '../lent/lend.ts';
import { type Executor, executorFor } from '../make/executor.ts';
import { nicCall, reserveFor } from '../make/nic-ipam.ts';
import type { WantedRoute } from '../make/pod-routes.ts';
import { sourceRouting } from '../make/source-routing.ts';
import { chooseNics } from './choose.ts';
import { commit } from './commit.ts';
import { checkMasters } from './masters.ts';
import { masterOf } from './nic-use.ts';
import { requireMacs } from './requested-macs.ts';

/** What an ADD is to get its NICs and addresses for. */
interface Applicant {
  readonly plan: HostPlan;
  readonly call: ContainerCall;
  /** The namespace's identity. */
  readonly netnsId: string;
  /** Routes of the network's that the pod is to have. */
  readonly wanted: readonly WantedRoute[];
  /** What stands in it; waited for last, so that deciding costs no time of its own. */
  readonly looking: Promise<readonly Link[]>;
}

/** What an ADD has got, and who makes it. */
export interface Reservation {
  readonly record: AttachmentRecord;
  readonly executor: Executor;
}

/** Decides NICs, names and addresses, and commits them: from here on a DEL or a restart finds what to undo. */
export async function reserve(context: AttachContext, applicant: Applicant): Promise<Reservation> {
  // Two that want a NIC for themselves choose one after the other.
  if (lends(applicant.plan)) return context.lending.run('', () => decide(context, applicant));
  return decide(context, applicant);
}

async function decide(
  context: AttachContext,
  { plan, call, netnsId, wanted, looking }: Applicant,
): Promise<Reservation> {
  const chosen = await chooseNics(context, plan, call);
  const nics = chosen.map(({ nic }) => nic.name);
  const names = interfaceNames(call.key.ifname, nics.length);
  const macs = requireMacs(plan, call, names);
  const looks = Promise.all([looking, checkMasters(context, plan, nics)]);
  // Where deciding ends in an error, nobody waits for them.
  looks.catch(() => undefined);
  const cniVersion = await versionFor(context, call, delegateOf(plan.pluginType));
  const chain = await chainFor(context, call);
  const lent = await lend(context, plan, call, netnsId, chosen, names);
  const reserved = reserveFor(context.pools, plan, chosen, call);
  const planned = (): Pick<AttachmentRecord, 'calls' | 'masters'> => {
    const calls = planCalls({
      network: plan.network,
      cniVersion,
      pluginType: plan.pluginType,
      binding: plan.binding,
      ...(plan.mode === undefined ? {} : { mode: plan.mode }),
      plugin: call.conf.plugin,
      chain,
      nics: reserved.nics
        .map(({ nic, addresses }, index) =>
          withWishes(
            {
              ...nicCall(plan, nic, names[index] ?? '', addresses),
              ...lentCall(plan, call, chosen[index]),
            },
            chosen[index],
            macs[index],
          ),
        )
        .map((nic) => (plan.sourceRouting === true ? { ...nic, source: sourceRouting(plan, wanted, nic) } : nic)),
    });
    return { calls, masters: chosen.flatMap((one) => masterOf(plan, one) ?? []) };
  };
  const executor = Promise.withResolvers<Executor>();
  const record = await commit(context, plan, call, netnsId, reserved, {
    plan: planned,
    lent,
    async before(record) {
      executor.resolve(await executorFor(context, record, call.netns));
      const [links] = await looks;
      refuseTaken(call, names, links);
    },
  });
  return { record, executor: await executor.promise };
}

function withWishes(nic: ChosenNic, { device }: Pick<Chosen, 'device'> = {}, mac = ''): ChosenNic {
  return { ...nic, ...(device === undefined ? {} : { device }), ...(mac === '' ? {} : { mac }) };
}

/** @throws CniError when the plugin is not installed, or speaks no version of ours */
async function versionFor({ delegates }: AttachContext, call: ContainerCall, plugin: string): Promise<CniVersion> {
  return negotiate(plugin, await delegates.versions(delegates.find(call.path, plugin)), call.conf.cniVersion);
}

function chainFor(context: AttachContext, call: ContainerCall): Promise<readonly MetaPlugin[]> {
  const chained = readMetaPlugins(call.conf.plugin, call.key.network, call.conf.runtimeConfig);
  return Promise.all(chained.map(async (one) => ({ ...one, cniVersion: await versionFor(context, call, one.plugin) })));
}

function refuseTaken(call: ContainerCall, names: readonly string[], links: readonly Link[]): void {
  const taken = names.filter((name) => links.some((link) => link.name === name || link.altnames.includes(name)));
  if (taken.length === 0) return;
  throw new CniError(
    code.invalidEnvironment,
    `${call.netns} has an interface ${taken.join(', ')} already, and it is not of attachment ${keyText(call.key)}: it is left as it is`,
  );
}
