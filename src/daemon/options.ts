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
  /** Route tables to choose from, one for each routed network. */
  readonly routeTables: { readonly first: number; readonly last: number };
  /** address:port, or `off`. */
  readonly healthListen: string;
}
