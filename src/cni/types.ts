/** When the shim started: orders requests of one attachment across processes and restarts. */
export interface Stamp {
  readonly bootId: string;
  /** CLOCK_BOOTTIME in ns. */
  readonly ns: bigint;
}

export type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

export const supportedVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof supportedVersions)[number];

/** One call of the plugin as the shim hands it over: environment and stdin, nothing judged yet. */
export interface RawCall {
  readonly environment: Readonly<Record<string, string>>;
  readonly stdin: string;
  readonly stamp: Stamp;
  /** Name under which the shim was called: multi-nic or multi-nic-ipam; default: multi-nic. */
  readonly program?: string;
}

/** Key of an attachment. */
export interface AttachmentKey {
  readonly network: string;
  readonly containerID: string;
  readonly ifname: string;
}

/** Whose attachment it is, as far as CNI_ARGS says; empty texts where it does not. */
export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What a pod asks for beyond the network: `args.cni` (Multus: cni-args), requested addresses, devices. */
export interface PodRequest {
  /** How many NICs; absent: all. */
  readonly nics?: number;
  /** NIC names. */
  readonly masters?: readonly string[];
  readonly class?: string;
  readonly target?: string;
  /** Requested addresses, from any of Multus's three ways, as text. */
  readonly ips: readonly string[];
  /** Requested MACs in lower case, by position of the pod's interfaces; an empty text leaves one as it is. Absent: none. */
  readonly macs?: readonly string[];
}

/** Devices that a configuration names. */
export interface ConfDevices {
  /** By the runtime, for this attachment. */
  readonly handed: readonly string[];
  /** `resourceNames`: all that the pod has of these are meant. */
  readonly resources: readonly string[];
}

/** Whom addresses are for, when multinic is called as the IPAM plugin of another plugin. */
export interface IpamCaller {
  /** MultiNicNetwork whose addresses are given. */
  readonly network: string;
  /** Host NIC of the caller's interface, as far as its configuration says. */
  readonly master?: string;
}

/** The network configuration of a call behind the gate. */
export interface NetConf {
  readonly cniVersion: CniVersion;
  readonly name: string;
  readonly type: string;
  /** Where another plugin makes its interface, if that calls us for addresses. */
  readonly master?: string;
  /** Config of the delegate as the NAD carries it. */
  readonly plugin: Readonly<Record<string, unknown>>;
  readonly ipam: Readonly<Record<string, unknown>>;
  readonly dns: Readonly<Record<string, unknown>>;
  /** What the runtime hands over, for chained plugins; what it has for multinic itself stands in `request`. Absent: none. */
  readonly runtimeConfig?: Readonly<Record<string, unknown>>;
  readonly prevResult?: CniResult;
  readonly validAttachments?: readonly { readonly containerID: string; readonly ifname: string }[];
  readonly request: PodRequest;
  readonly devices?: ConfDevices;
}

/** ADD, DEL or CHECK behind the gate. */
export interface ContainerCall {
  readonly verb: 'ADD' | 'DEL' | 'CHECK';
  readonly key: AttachmentKey;
  /** Empty: none (DEL only). */
  readonly netns: string;
  /** CNI_NETNS_OVERRIDE: the netns may be the host's own, which is refused (code 8) otherwise. */
  readonly netnsOverride?: true;
  readonly pod: PodRef;
  /** Directories of delegates. */
  readonly path: readonly string[];
  /** CNI_ARGS without IP, MAC, GATEWAY: what delegates get. */
  readonly args: string;
  readonly conf: NetConf;
  readonly stamp: Stamp;
  /** Addresses alone are wanted. */
  readonly ipamOf?: IpamCaller;
}

/** GC or STATUS behind the gate. */
export interface NetworkCall {
  readonly verb: 'GC' | 'STATUS';
  readonly path: readonly string[];
  readonly conf: NetConf;
  readonly stamp: Stamp;
  readonly ipamOf?: IpamCaller;
}

export type Call = ContainerCall | NetworkCall;

/** A result in the newest shape (1.1.0); src/cni/result.ts prints it as any version and reads it from any. */
export interface CniResult {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: Readonly<Record<string, unknown>>;
}

export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Netns path for interfaces in the pod; absent for those on the host. */
  readonly sandbox?: string;
  readonly pciID?: string;
}

export interface ResultIp {
  /** address/length. */
  readonly address: string;
  readonly gateway?: string;
  /** Index into interfaces. */
  readonly interface?: number;
}

export interface ResultRoute {
  readonly dst: string;
  readonly gw?: string;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}
