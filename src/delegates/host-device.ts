import { CniError, code } from '../api/cni-error.ts';
import { type Nic, samePci } from '../api/host.ts';

/** How host-device is told its NIC: keys of its configuration (containernetworking/plugins v1.9.1). */
export const nicKeys = ['device', 'pciBusID', 'hwaddr', 'kernelpath'] as const;

/** NICs that a network lends, where its configuration names them: on each host those that are there. */
export interface NamedNics {
  readonly way: (typeof nicKeys)[number];
  readonly values: readonly string[];
}

/**
 * Reads device, pciBusID, hwaddr or kernelpath of a network's plugin object: one NIC or several, divided by commas. Undefined when it has
 * none of them: then all NICs of the pool are meant.
 * @throws CniError 7 for more than one
 */
export function namedNics(plugin: Readonly<Record<string, unknown>>, network: string): NamedNics | undefined {
  const given = nicKeys.filter((key) => plugin[key] !== undefined && plugin[key] !== '');
  const [way, ...others] = given;
  if (way === undefined) return undefined;
  if (others.length > 0) {
    throw new CniError(
      code.invalidConfig,
      `network ${network}: plugin has ${given.join(' and ')}: name the NICs in one way`,
    );
  }
  return { way, values: splitNames(String(plugin[way])) };
}

/** `eth1, eth2` */
export function splitNames(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

export function isNamed(named: NamedNics, nic: Nic): boolean {
  return valueFor(named, nic) !== undefined;
}

/** The configuration that makes host-device take this NIC: as the network names it, else by its name. */
export function keysFor(named: NamedNics | undefined, nic: Nic): Readonly<Record<string, string>> {
  const value = named && valueFor(named, nic);
  return named === undefined || value === undefined ? { device: nic.name } : { [named.way]: value };
}

function valueFor({ way, values }: NamedNics, nic: Nic): string | undefined {
  if (way === 'device') return values.find((one) => one === nic.name);
  if (way === 'pciBusID') return values.find((one) => samePci(nic.pciAddress, one));
  if (way === 'hwaddr') return values.find((one) => one.toLowerCase() === nic.mac.toLowerCase());
  // /sys/devices/pci0000:00/0000:00:1f.6, or with /net/eth1 behind it.
  return values.find((path) => {
    const [last, before] = path.split('/').toReversed();
    return before === 'net' ? last === nic.name : last === nic.pciAddress;
  });
}
