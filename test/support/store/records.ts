import type { AttachmentKey } from '../../../src/cni/types.ts';
import { parseAddress } from '../../../src/net/address.ts';
import { parseInterfaceAddress } from '../../../src/net/prefix.ts';
import type { AttachmentRecord, HeldMaster, LentNic } from '../../../src/store/types.ts';

export const testBoot = 'boot-of-the-test';

/** The `n`-th address of 10.0.0.0/8 as text. */
export function addressText(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

export function keyOf(name: string, network = 'net'): AttachmentKey {
  return { network, containerID: name, ifname: 'net1' };
}

/** A pending record with one NIC `eth<k>` per address. */
export function recordOf(
  name: string,
  addresses: readonly string[],
  options: {
    network?: string;
    ns?: bigint;
    master?: Pick<HeldMaster, 'kind' | 'mode'> & { readonly exclusive?: boolean };
    bootId?: string;
  } = {},
): AttachmentRecord {
  const { network = 'net', ns = 1n, master = { kind: 'macvlan', mode: 'bridge' }, bootId = testBoot } = options;
  const nics = addresses.map((_, index) => `eth${index + 1}`);
  return {
    key: keyOf(name, network),
    state: 'pending',
    stamp: { bootId, ns },
    netns: `/run/netns/${name}`,
    netnsId: '4:4026532000',
    pod: { namespace: 'default', name, uid: `uid-${name}` },
    path: ['/opt/cni/bin'],
    args: 'K8S_POD_NAMESPACE=default',
    calls: nics.map((nic, index) => ({
      nic,
      ifname: index === 0 ? 'net1' : `net1-${index}`,
      plugin: master.kind,
      config: { cniVersion: '1.0.0', name: network, type: master.kind, master: nic },
    })),
    addresses: addresses.map((text, index) => ({
      address: parseAddress(text),
      interfaceIndex: index,
      nic: nics[index] ?? '',
    })),
    masters: nics.map((nic) => ({ nic, exclusive: false, ...master })),
    createdAt: 1_700_000_000_000,
  };
}

/** A NIC that is lent to the container of that name. */
export function lentNic(nic: string, name: string): LentNic {
  const mac = '02:00:00:00:00:01';
  const addresses = [parseInterfaceAddress('10.1.1.2/24'), parseInterfaceAddress('fd00::2/64')];
  return {
    name: nic,
    key: keyOf(name),
    pod: { namespace: 'default', name, uid: `uid-${name}` },
    ifname: 'net1',
    netns: `/run/netns/${name}`,
    netnsId: '4:4026532000',
    bootId: testBoot,
    pciAddress: '0000:3b:00.0',
    nic: {
      name: nic,
      key: mac,
      mac,
      mtu: 9000,
      up: true,
      addresses,
      linkLocal: parseAddress('fe80::1'),
      speedMbps: 100_000,
    },
    saved: {
      index: 7,
      name: nic,
      mac,
      mtu: 9000,
      up: true,
      carrier: true,
      altnames: ['enp3s0'],
      addresses: [{ family: 4, address: '10.1.1.2/24', scope: 'global', flags: [] }],
      routes: [['10.9.0.0/16', 'via', '10.1.1.1', 'dev', nic]],
    },
    savedAt: 1_700_000_000_000,
  };
}
