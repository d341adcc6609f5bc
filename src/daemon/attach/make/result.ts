import type { Nic } from '../../../api/host.ts';
import type { CniResult } from '../../../cni/types.ts';
import { isPciAddress } from '../../../delegates/plan.ts';
import type { DelegateCall } from '../../../delegates/types.ts';
import type { Link } from '../../../kernel/types.ts';

export interface ResultParts {
  /** In NIC order; the first interface is CNI_IFNAME. */
  readonly calls: readonly DelegateCall[];
  /** Results of the calls, by position. */
  readonly delegateResults: readonly CniResult[];
  /** Links in the pod. */
  readonly links: readonly Link[];
  readonly nics: readonly Nic[];
  readonly netns: string;
  /** Of the network; where it has none, the first that a delegate or its chain answered counts. */
  readonly dns: CniResult['dns'];
  /** Routes that the delegates did not make. */
  readonly routes: CniResult['routes'];
}

/**
 * One result for all NICs: an interface per call as the kernel shows it (delegates before CNI 1.1.0 tell no MTU), each address
 * pointing to its interface.
 */
export function resultOf({ calls, delegateResults, links, nics, netns, dns, routes }: ResultParts): CniResult {
  return {
    interfaces: calls.map(({ ifname, nic, device }) => {
      const link = links.find(({ name }) => name === ifname);
      const pciID = pciOf(
        device,
        nics.find(({ name }) => name === nic),
      );
      return {
        name: ifname,
        ...(link === undefined ? {} : { mac: link.mac, mtu: link.mtu }),
        sandbox: netns,
        ...(pciID === undefined ? {} : { pciID }),
      };
    }),
    ips: delegateResults.flatMap((result, index) =>
      result.ips.map(({ address, gateway }) => ({
        address,
        ...(gateway === undefined ? {} : { gateway }),
        interface: index,
      })),
    ),
    routes: [...delegateResults.flatMap((result) => result.routes), ...routes],
    dns: [dns, ...delegateResults.map((result) => result.dns)].find((one) => Object.keys(one).length > 0) ?? {},
  };
}

/** An auxiliary device has no PCI address of its own. */
function pciOf(device: string | undefined, nic: Nic | undefined): string | undefined {
  if (device === undefined) return nic?.pciAddress;
  return isPciAddress(device) ? device : undefined;
}

/** The recorded answer under the path by which the caller knows the namespace now. */
export function inSandbox(result: CniResult, netns: string): CniResult {
  const interfaces = result.interfaces.map((entry) =>
    entry.sandbox === undefined ? entry : { ...entry, sandbox: netns },
  );
  return { ...result, interfaces };
}
