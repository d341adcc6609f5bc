import { CniError, code } from '../api/cni-error.ts';
import { NetError } from '../net/address.ts';
import { readConfig } from './config.ts';
import { type ContainerEnvironment, readEnvironment } from './environment.ts';
import { quote } from './fields.ts';
import { withIps } from './request.ts';
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

/** The shim under this name is called by a main plugin, within that plugin's own ADD and DEL. */
const ipamProgram = 'multi-nic-ipam';

/**
 * As a plain IPAM plugin multinic is not there yet, and must not make or take away interfaces inside another plugin's call: refused,
 * but for DEL, which is about nothing then and succeeds. Its key is no interface's, so that it cannot be an attachment's.
 */
function ipamCall(environment: ReturnType<typeof readEnvironment>, conf: NetConf, stamp: Stamp): Call {
  if (!('containerID' in environment) || environment.verb !== 'DEL') {
    const useful = 'use a network of multinic (plugin type multi-nic), or another IPAM plugin';
    throw new CniError(
      environment.verb === 'STATUS' ? code.notAvailable : code.invalidConfig,
      `network configuration "${conf.name}": ${ipamProgram} cannot be called by other plugins (here type ${quote(conf.type)}) yet: ${useful}`,
    );
  }
  const { prevResult: _main, ...rest } = conf;
  const { key, ...call } = containerCall(environment, rest, stamp);
  return { ...call, key: { ...key, ifname: `ipam:${key.ifname}` } };
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
    conf: { ...conf, request: verb === 'DEL' ? conf.request : requestOf(conf, args.ips) },
    stamp,
  };
}

function requestOf(conf: NetConf, ips: readonly string[]): NetConf['request'] {
  try {
    return withIps(conf.request, ips);
  } catch (error) {
    if (!(error instanceof NetError)) throw error;
    throw new CniError(code.invalidEnvironment, `CNI_ARGS: IP: ${error.message}`);
  }
}
