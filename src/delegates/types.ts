/** One NIC's delegate: a complete CNI config and the interface it makes. Kept in the record, so DEL repeats exactly this. */
export interface DelegateCall {
  /** Host NIC. */
  readonly nic: string;
  /** Interface in the pod. */
  readonly ifname: string;
  /** Name of the CNI plugin. */
  readonly plugin: string;
  /** Complete network configuration (cniVersion, name, type, master, mode, ipam …) without prevResult. */
  readonly config: Readonly<Record<string, unknown>>;
}
