import type { Nic } from '../api/host.ts';
import type { Link, SavedLink } from '../kernel/types.ts';
import { byName } from './pool.ts';

/** As much of a lent NIC as tells it from others. */
export interface LentLink {
  /** Its name on the host. */
  readonly name: string;
  readonly pciAddress?: string;
  readonly saved: Pick<SavedLink, 'index' | 'mac' | 'permanentMac' | 'kind'>;
}

/**
 * The link that a lent NIC is, whatever it is called by now: by the name that the plugin left in its alias, or its hardware's MAC. On the
 * host the PCI address must be its own, as two NICs may share a MAC, and one that never left is known by name and index too.
 * @param pciOf PCI address of a link of the host; absent: the links are a pod's, of which sysfs says nothing
 */
export function findLent(
  { name, pciAddress, saved }: LentLink,
  links: readonly Link[],
  pciOf?: (name: string) => string | undefined,
): Link | undefined {
  const alike = links.filter((link) => link.kind === saved.kind && (!pciOf || pciOf(link.name) === pciAddress));
  const mac = saved.permanentMac ?? saved.mac;
  const hasAlias = (link: Link): boolean => link.alias === name;
  const hasMac = (link: Link): boolean => (link.permanentMac ?? link.mac) === mac;
  const isStill = (link: Link): boolean => pciOf !== undefined && link.index === saved.index && link.name === name;
  const [only, ...others] = alike;
  // Functions of one device may share its PCI address; where there is one link, nothing is left to be told apart.
  if (pciOf !== undefined && pciAddress !== undefined && others.length === 0) return only;
  return alike.find(hasAlias) ?? alike.find(hasMac) ?? alike.find(isStill);
}

/**
 * The host's NICs together with those that are lent, as they were: these stay known, with addresses and block, and are not seen as
 * others while they are on their way back, under a name of the pod or without their addresses yet.
 */
export function withLent(found: readonly Nic[], lent: Iterable<{ readonly nic?: Nic }>): readonly Nic[] {
  const known = Array.from(lent).flatMap(({ nic }) => nic ?? []);
  if (known.length === 0) return found;
  const keys = new Set(known.map(({ key }) => key));
  const names = new Set(known.map(({ name }) => name));
  return [...found.filter(({ key, name }) => !keys.has(key) && !names.has(name)), ...known].toSorted(byName);
}
