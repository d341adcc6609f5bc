import { CniError, code } from '../../../api/cni-error.ts';
import { delegateOf } from '../../../api/delegations.ts';
import type { HostPlan } from '../../../api/host.ts';
import { interfaceNames } from '../../../cni/interface-names.ts';
import type { CniVersion, ContainerCall } from '../../../cni/types.ts';
import { type MetaPlugin, readMetaPlugins } from '../../../delegates/meta-plugins.ts';
import { type ChosenNic, negotiate, planCalls } from '../../../delegates/plan.ts';
import type { Link } from '../../../kernel/types.ts';
import type { Chosen } from '../../../policy/select.ts';
import { keyText } from '../../../store/key.ts';
import type { AttachmentRecord } from '../../../store/types.ts';
import type { AttachContext } from '../context.ts';
import { lend, lends, lentCall } from '../lent/lend.ts';
import { nicCall, reserveFor } from '../make/nic-ipam.ts';
import { readPodRoutes } from '../make/pod-routes.ts';
import { sourceRouting } from '../make/source-routing.ts';
import { chooseNics } from './choose.ts';
import { commit } from './commit.ts';
import { checkMasters } from './masters.ts';
import { masterOf } from './nic-use.ts';
import { requireMacs } from './requested-macs.ts';

/** Decides NICs, names and addresses, and commits them: from here on a DEL or a restart finds what to undo. */
export async function reserve(
  context: AttachContext,
  plan: HostPlan,
  call: ContainerCall,
  netnsId: string,
  links: readonly Link[],
): Promise<AttachmentRecord> {
  // Two that want a NIC for themselves choose one after the other.
  if (lends(plan)) return context.lending.run('', async () => decide(context, plan, call, netnsId, links));
  return decide(context, plan, call, netnsId, links);
}

async function decide(
  context: AttachContext,
  plan: HostPlan,
  call: ContainerCall,
  netnsId: string,
  links: readonly Link[],
): Promise<AttachmentRecord> {
  const chosen = await chooseNics(context, plan, call);
  const nics = chosen.map(({ nic }) => nic.name);
  const names = interfaceNames(call.key.ifname, nics.length);
  refuseTaken(call, names, links);
  const macs = requireMacs(plan, call, names);
  await checkMasters(context, plan, nics);
  const cniVersion = await versionFor(context, call, delegateOf(plan.pluginType));
  const chain = await chainFor(context, call);
  const lent = await lend(context, plan, call, netnsId, chosen, names);
  const wanted = readPodRoutes(plan, call.conf);
  const reserved = reserveFor(context.pools, plan, chosen, call);
  const rest = (): Pick<AttachmentRecord, 'calls' | 'masters'> => ({
    calls: planCalls({
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
    }),
    masters: chosen.flatMap((one) => masterOf(plan, one) ?? []),
  });
  return commit(context, plan, call, netnsId, reserved, rest, lent);
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

/** @throws CniError 11 while the host cannot serve, 7 for a network that it does not serve */
export function requirePlan(context: AttachContext, network: string): HostPlan {
  const ready = context.ready();
  if (ready !== true) {
    throw new CniError(
      code.tryAgainLater,
      `host ${context.hostName} cannot attach to network ${network} yet: ${ready}`,
    );
  }
  const plans = context.plans();
  const plan = plans.get(network);
  if (plan === undefined) {
    const served = [...plans.keys()].sort().join(', ') || 'none';
    throw new CniError(
      code.invalidConfig,
      `host ${context.hostName} serves no network ${network} (it serves: ${served}): is there a MultiNicNetwork of that name, Ready, with a NIC network that this host has?`,
    );
  }
  if (plan.draining) {
    throw new CniError(
      code.tryAgainLater,
      `network ${network} is being deleted or moved: host ${context.hostName} makes no new attachments to it`,
    );
  }
  return plan;
}

/**
 * A plan that changed before the record stood may have been changed because nobody held an address: then this one must not.
 * @throws CniError 11
 */
export function requireSame(context: AttachContext, plan: HostPlan): void {
  const now = context.plans().get(plan.network);
  const { network, host } = plan.revision;
  if (now?.uid === plan.uid && now.revision.network === network && now.revision.host === host && !now.draining) return;
  throw new CniError(code.tryAgainLater, `the plan of network ${plan.network} changed in this moment: try again`);
}

function refuseTaken(call: ContainerCall, names: readonly string[], links: readonly Link[]): void {
  const taken = names.filter((name) => links.some((link) => link.name === name || link.altnames.includes(name)));
  if (taken.length === 0) return;
  throw new CniError(
    code.invalidEnvironment,
    `${call.netns} has an interface ${taken.join(', ')} already, and it is not of attachment ${keyText(call.key)}: it is left as it is`,
  );
}
