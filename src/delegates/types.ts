/** A plugin and its complete network configuration without prevResult (cniVersion, name, type …). */
export interface ChainedCall {
  /** Name of the CNI plugin. */
  readonly plugin: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A pod's table for what comes from the addresses of one interface. */
export interface SourceRouting {
  readonly table: number;
  /** Over that interface; without `gw` on its link. */
  readonly routes: readonly { readonly dst: string; readonly gw?: string }[];
}

/** One NIC's delegate: a complete CNI config and the interface it makes. Kept in the record, so DEL repeats exactly this. */
export interface DelegateCall extends ChainedCall {
  /** Host NIC. */
  readonly nic: string;
  /** The device that moves into the pod, where kubelet's device plugin gave one. */
  readonly device?: string;
  /** Interface in the pod. */
  readonly ifname: string;
  /** Plugins that work on the interface afterwards, in order (`plugin.metaPlugins`); absent: none. */
  readonly chain?: readonly ChainedCall[];
  /** Made by us after the interface; absent: none. */
  readonly source?: SourceRouting;
}
