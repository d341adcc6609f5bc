import type { Address, Family } from '../net/address.ts';
import type { Prefix } from '../net/prefix.ts';

/** A route that shall stand in a network's own table. */
export interface HostRoute {
  readonly family: Family;
  readonly dst: Prefix;
  readonly via: Address;
  readonly dev: string;
  readonly metric: number;
}

/** Desired state of one routed network on this host. */
export interface RouteSet {
  readonly network: string;
  readonly table: number;
  /** One `from <subnet> lookup <table>` each. */
  readonly subnets: readonly Prefix[];
  readonly routes: readonly HostRoute[];
}
