import type { MultiNicNetwork } from '../api/kinds/multinicnetwork.ts';
import { conflicts } from '../api/relations.ts';
import type { Context } from './context.ts';
import { type Candidate, type Judgement, judge } from './judge.ts';

/** Judges one network beside all others that the cluster has, and beside its hosts' NICs. */
export function judgeNetwork({ caches, parse, nicsOf }: Context, object: MultiNicNetwork): Judgement {
  const candidate = (one: MultiNicNetwork): Candidate => {
    const config = caches.cidrs.get(one.metadata.name)?.spec?.config;
    return { object: one, parsed: parse(one), config: config?.uid === one.metadata.uid ? config : undefined };
  };
  const own = candidate(object);
  const others = caches.networks.list().filter((one) => one.metadata.name !== object.metadata.name);
  const hosts = caches.hosts.list().map((host) => ({ hostName: host.metadata.name, nics: nicsOf(host) }));
  return judge(own, [own, ...others.map(candidate)], (network, holders) =>
    conflicts(
      { network, accepted: false },
      holders.map((holder) => ({ network: holder, accepted: true })),
      hosts,
    ),
  );
}
