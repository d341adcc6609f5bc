import { CniError, code } from '../api/cni-error.ts';
import { NetError } from '../net/address.ts';
import type { CniArgs } from './args.ts';
import { readConfig } from './config.ts';
import { type ContainerEnvironment, readEnvironment } from './environment.ts';
import { ipamIfname, ipamProgram, readIpamCaller } from './ipam-caller.ts';
import { withArgs } from './request.ts';
import type { Call, ContainerCall, NetConf, RawCall, Stamp } from './types.ts';

/**
 * The gate of the CNI protocol: everything behind it is typed and trusted. Judges in the order of the Go library's skel
 * (environment, then configuration), so that conformance suites see the codes they expect. Whether CNI_NETNS exists or is
 * the host's own (code 8) is for who can look.
 * @throws CniError 1, 4, 6 or 7, and 50 to STATUS of what is not served; nothing else, whatever the input
 */
export function parseCall(raw: RawCall): Call {
  const environment = readEnvironment(raw.environment);
  const conf = readConfig(raw.stdin, environment.verb);
  if (raw.program === ipamProgram) return ipamCall(environment, conf, raw.stamp);
  if ('containerID' in environment) return containerCall(environment, conf, raw.stamp);
  return { verb: environment.verb, path: environment.path, conf, stamp: raw.stamp };
}

/**
 * The caller makes the interface, and its own result is none of ours: prevResult counts for CHECK alone, where it tells what the caller
 * made of the addresses.
 */
function ipamCall(environment: ReturnType<typeof readEnvironment>, conf: NetConf, stamp: Stamp): Call {
  const ipamOf = readIpamCaller(conf, environment.verb === 'DEL');
  if (!('containerID' in environment)) return { verb: environment.verb, path: environment.path, conf, stamp, ipamOf };
  const { key, ...call } = containerCall(environment, conf, stamp);
  return { ...call, key: { ...key, network: ipamOf.network, ifname: ipamIfname(conf.name, key.ifname) }, ipamOf };
}

function containerCall(environment: ContainerEnvironment, conf: NetConf, stamp: Stamp): ContainerCall {
  const { verb, containerID, ifname, netns, netnsOverride, path, args } = environment;
  return {
    verb,
    key: { network: conf.name, containerID, ifname },
    netns,
    ...(netnsOverride ? { netnsOverride: true as const } : {}),
    pod: args.pod,
    path,
    args: args.forDelegates,
    conf: { ...conf, request: verb === 'DEL' ? conf.request : requestOf(conf, args) },
    stamp,
  };
}

function requestOf({ name, request }: NetConf, args: Pick<CniArgs, 'ips' | 'mac'>): NetConf['request'] {
  try {
    return withArgs(request, args);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    throw new CniError(code.invalidEnvironment, `network configuration "${name}": CNI_ARGS: ${error.message}`);
  }
}
