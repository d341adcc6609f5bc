/** What `multinic daemon` is told. */
export interface DaemonOptions {
  readonly node: string;
  readonly kubeconfig?: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly nicsInclude: readonly string[];
  readonly nicsExclude: readonly string[];
  readonly cooldownMs: number;
  readonly delegateTimeoutMs: number;
  /** Between two looks for attachments whose pods have gone without DEL. */
  readonly gcIntervalMs: number;
  /** `direct`: plain ipvlan and macvlan links are made by the daemon itself; `delegates`: never. */
  readonly executor: 'direct' | 'delegates';
  /** Delegates run in the mount and network namespace of this process; absent: in the daemon's own. */
  readonly hostPid?: number;
  /** kubelet's PodResources socket; absent: no kubelet is asked. */
  readonly podResources?: string;
  /** Route tables to choose from, one for each routed network. */
  readonly routeTables: { readonly first: number; readonly last: number };
  /** address:port, or `off`. */
  readonly healthListen: string;
}
