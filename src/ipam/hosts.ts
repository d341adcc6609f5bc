import type { RailEntry } from '../api/kinds/cidr.ts';
import { hostLimit, type Layout } from './layout.ts';
import type { Member } from './members.ts';
import type { Ledger, PlanProblem } from './types.ts';
import { UsableIndexes } from './usable-index.ts';

/** After this time an index whose last holder never said that it stopped goes to another host: 2 x blockLease of 2 h. */
const forgottenAfter = 2 * 2 * 3_600_000;

/** Who holds which host index. */
export interface HostPlan {
  /** Index by host name. */
  readonly indexes: ReadonlyMap<string, number>;
  readonly released: Ledger['released'];
  /** Hosts whose daemon serves an index that is another's, and whose pods have addresses: they drain first. */
  readonly displaced: ReadonlySet<string>;
  readonly problems: readonly PlanProblem[];
}

export interface HostPlanInput {
  readonly network: string;
  readonly layout: Layout;
  readonly ledger: Ledger;
  readonly rails: readonly RailEntry[];
  readonly members: readonly Member[];
  /** Hosts that are gone and that are known to hold nothing. */
  readonly left: ReadonlySet<string>;
  /** Hosts that need an index: they have a NIC with a block. */
  readonly wanting: ReadonlySet<string>;
  /** The layout changed: indexes that do not fit it are given anew. */
  readonly recheck: boolean;
  readonly now: number;
}

/** Keeps, takes back and gives host indexes: the ledger first, then what daemons claim, then new ones. */
export function planHosts(input: HostPlanInput): HostPlan {
  const register = new Register(input);
  register.keepLedger();
  register.followNewerClaims();
  register.adoptClaims();
  register.adoptFormerClaims();
  register.admitNewHosts();
  return register.result();
}

class Register {
  readonly #input: HostPlanInput;
  readonly #usable: UsableIndexes;
  readonly #indexes = new Map<string, number>();
  /** Host name by index, indexes that differ on a rail included. */
  readonly #holders = new Map<number, string>();
  readonly #claimants = new Map<number, string>();
  #released: Ledger['released'][number][];
  readonly #displaced = new Set<string>();
  readonly #problems: PlanProblem[] = [];

  constructor(input: HostPlanInput) {
    this.#input = input;
    this.#usable = new UsableIndexes(input.layout, input.rails);
    this.#released = input.ledger.released.filter(({ hostIndex }) => hostIndex < hostLimit(input.layout));
    for (const { claim: own, former, host } of input.members) {
      const claim = own ?? former;
      if (claim !== undefined) this.#claimants.set(claim.hostIndex, host.hostName);
    }
  }

  keepLedger(): void {
    const { members, left } = this.#input;
    const present = new Set(members.map(({ host }) => host.hostName));
    for (const { hostIndex, hostName } of this.#input.ledger.hosts) {
      if (!present.has(hostName)) {
        const at = new Date(this.#input.now).toISOString();
        this.#released.push({ hostIndex, hostName, at, ...(left.has(hostName) ? { acknowledged: true } : {}) });
      } else if (!this.#input.recheck || this.#usable.has(hostIndex)) {
        this.#give(hostName, hostIndex);
      }
    }
    if (this.#input.layout.hostBits === 0) return;
    for (const { hostOverrides } of this.#input.rails) {
      for (const [hostName, index] of Object.entries(hostOverrides ?? {})) this.#holders.set(index, hostName);
    }
  }

  /** A claim of a higher revision than the ledger's was given by a ledger that is lost: it holds where its index is free. */
  followNewerClaims(): void {
    for (const { host, claim, entry } of this.#input.members) {
      if (claim === undefined || entry === undefined || claim.revision.host <= entry.revision) continue;
      const before = this.#indexes.get(host.hostName);
      if (before === claim.hostIndex || this.#holders.has(claim.hostIndex) || !this.#fits(claim.hostIndex)) continue;
      if (before !== undefined) this.#holders.delete(before);
      this.#give(host.hostName, claim.hostIndex);
    }
  }

  /** Hosts that the ledger does not know, and hosts that serve another index than it says. Holders of addresses first. */
  adoptClaims(): void {
    for (const holds of [true, false]) {
      for (const member of this.#input.members) {
        const { claim, host } = member;
        if (member.holds !== holds || claim === undefined) continue;
        const given = this.#indexes.get(host.hostName);
        if (given === claim.hostIndex) continue;
        if (given === undefined && claim.acknowledged !== 'Empty' && this.#takeClaimed(member, claim.hostIndex))
          continue;
        if (holds) this.#displace(host.hostName, claim.hostIndex, given);
      }
    }
  }

  /** Hosts whose pods have addresses of a namesake that went without them: the same index again, so that they go on as they are. */
  adoptFormerClaims(): void {
    for (const { former, host } of this.#input.members) {
      if (former === undefined || !host.nodeExists || !this.#input.wanting.has(host.hostName)) continue;
      const { hostIndex } = former;
      if (this.#indexes.has(host.hostName) || this.#holders.has(hostIndex) || !this.#usable.has(hostIndex)) continue;
      this.#give(host.hostName, hostIndex);
    }
  }

  admitNewHosts(): void {
    let cursor = 0;
    const without: string[] = [];
    const taken = () => new Set(this.#released.map(({ hostIndex }) => hostIndex));
    const released = taken();
    const nextNever = (): number | undefined => {
      for (;;) {
        const index = this.#usable.next(cursor);
        if (index === undefined) return undefined;
        cursor = index + 1;
        if (!this.#holders.has(index) && !released.has(index) && !this.#claimants.has(index)) return index;
      }
    };
    for (const { host } of this.#input.members) {
      const { hostName } = host;
      if (this.#indexes.has(hostName) || this.#displaced.has(hostName)) continue;
      if (!host.nodeExists || !this.#input.wanting.has(hostName)) continue;
      const index = this.#formerIndex(hostName) ?? nextNever() ?? this.#oldestReleased();
      if (index === undefined) without.push(hostName);
      else this.#give(hostName, index);
    }
    if (without.length > 0) this.#problems.push(this.#exhausted(without));
  }

  result(): HostPlan {
    const released = new Map(this.#released.map((entry) => [entry.hostIndex, entry]));
    for (const index of this.#indexes.values()) released.delete(index);
    return {
      indexes: this.#indexes,
      released: [...released.values()].sort((a, b) => a.hostIndex - b.hostIndex),
      displaced: this.#displaced,
      problems: this.#problems,
    };
  }

  #give(hostName: string, index: number): void {
    this.#indexes.set(hostName, index);
    this.#holders.set(index, hostName);
    this.#released = this.#released.filter(({ hostIndex }) => hostIndex !== index);
  }

  #fits(index: number): boolean {
    return index < hostLimit(this.#input.layout) && (!this.#input.recheck || this.#usable.has(index));
  }

  #takeClaimed(member: Member, index: number): boolean {
    if (!member.host.nodeExists && !member.holds) return false;
    if (this.#holders.has(index) || !this.#fits(index)) return false;
    this.#give(member.host.hostName, index);
    return true;
  }

  #displace(hostName: string, claimed: number, given: number | undefined): void {
    this.#displaced.add(hostName);
    const holder = this.#holders.get(claimed);
    const other = holder === undefined || holder === hostName ? 'does not give to it' : `gives to host ${holder}`;
    this.#problems.push({
      reason: 'IndexConflict',
      hostName,
      message: `host ${hostName} serves host index ${claimed}, which the ledger of network "${this.#input.network}" ${other}: it drains until its pods have left, then gets ${given === undefined ? 'a new index' : `index ${given}`}`,
    });
  }

  #formerIndex(hostName: string): number | undefined {
    return this.#released.find(
      (entry) =>
        entry.hostName === hostName && !this.#holders.has(entry.hostIndex) && this.#usable.has(entry.hostIndex),
    )?.hostIndex;
  }

  /** The longest released index that is safe to give to another host. */
  #oldestReleased(): number | undefined {
    const safe = this.#released.filter(
      ({ hostIndex, at, acknowledged }) =>
        (acknowledged === true || this.#input.now - Date.parse(at) >= forgottenAfter) &&
        !this.#holders.has(hostIndex) &&
        !this.#claimants.has(hostIndex) &&
        this.#usable.has(hostIndex),
    );
    safe.sort((a, b) => Date.parse(a.at) - Date.parse(b.at) || a.hostIndex - b.hostIndex);
    return safe[0]?.hostIndex;
  }

  #exhausted(without: readonly string[]): PlanProblem {
    const { layout, network } = this.#input;
    const named = without.slice(0, 5).join(', ') + (without.length > 5 ? `, and ${without.length - 5} more` : '');
    const waiting = this.#released.length;
    return {
      reason: 'HostIndexesExhausted',
      ...(without.length === 1 && without[0] !== undefined ? { hostName: without[0] } : {}),
      message:
        `hostBlock ${layout.hostBits} of network "${network}" numbers ${hostLimit(layout)} hosts: ${this.#indexes.size} have an index` +
        (waiting > 0 ? `, ${waiting} are kept for hosts that are gone` : '') +
        `, ${without.length} got none: ${named}. Raise hostBlock, shorten excludeCIDRs or remove hosts`,
    };
  }
}
