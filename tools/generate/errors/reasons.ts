import type { Reasons } from '../../../src/operator/status/conditions.ts';

/** A reason with what brings it about and what to do; a new reason without an entry does not compile. */
export interface ReasonEntry {
  readonly cause: string;
  readonly cure: string;
}

const wait = 'Nothing: it becomes true by itself.';
const fine = 'Nothing.';
const draining: ReasonEntry = {
  cause: 'The network is being deleted.',
  cure: 'Delete the pods that the message counts.',
};
const noPlan: ReasonEntry = { cause: 'There is no plan yet.', cure: 'See the condition Planned.' };

export const reasons: {
  readonly [T in keyof Reasons]: Readonly<Record<Reasons[T], ReasonEntry>>;
} = {
  Accepted: {
    Accepted: { cause: 'The spec is valid.', cure: fine },
    Invalid: {
      cause: 'Fields of the spec do not hold together; the message lists all of them with their paths.',
      cure: 'Correct the fields; `multinic check FILE` judges a manifest before it is applied.',
    },
    SubnetOverlap: {
      cause: 'The subnet overlaps that of an older network.',
      cure: 'Choose another subnet, or delete the other network.',
    },
    OverlapsHostNetwork: {
      cause: 'The subnet overlaps a network that hosts have on their NICs.',
      cure: 'Choose a subnet that no NIC of a host is on.',
    },
    OverlapsClusterNetwork: {
      cause: 'The subnet overlaps the pod network of a Node, or what `--cluster-network` of the operator names.',
      cure: 'Choose a subnet outside of both.',
    },
    LinkKindConflict: {
      cause: 'Another network uses the same NICs with another plugin.',
      cure: 'Use the same plugin, or other NICs (`spec.masterNets`).',
    },
    ModeConflict: {
      cause: 'Another network uses the same NICs in another ipvlan mode.',
      cure: 'Use the same mode, or other NICs (`spec.masterNets`).',
    },
  },
  Planned: {
    Planned: { cause: 'Every host serves its blocks.', cure: fine },
    NotAccepted: { cause: 'The spec is refused; what was planned before stays.', cure: 'See the condition Accepted.' },
    BitsDoNotFit: {
      cause: 'Interface bits, host bits and at least one pod bit do not fit into the subnet.',
      cure: 'Lower hostBlock or interfaceBlock, or choose a larger subnet.',
    },
    NoUsableAddress: { cause: 'excludeCIDRs cover a whole block.', cure: 'Shorten excludeCIDRs.' },
    InterfaceIndexesExhausted: {
      cause: 'There are more NIC networks than interfaceBlock numbers.',
      cure: 'Raise interfaceBlock, or list fewer networks in masterNets.',
    },
    HostIndexesExhausted: { cause: 'There are more hosts than hostBlock numbers.', cure: 'Raise hostBlock.' },
    IndexConflict: {
      cause: 'Two hosts say that they serve the same index; one drains.',
      cure: 'Delete the pods on the host that the message names.',
    },
    HostAddressConflict: {
      cause: 'Two hosts have the same address on a NIC.',
      cure: 'Give one of them another address.',
    },
    WouldRenumber: {
      cause: 'The edit would move blocks whose addresses pods use; the last plan stays.',
      cure: 'Delete those pods first, or change it back.',
    },
    NoHosts: {
      cause: 'No host has a NIC for this network.',
      cure: 'Compare masterNets with the NICs in `kubectl get hostinterfaces`.',
    },
    WaitingForHosts: { cause: 'Hosts have not said yet that they serve their blocks.', cure: wait },
    Draining: draining,
  },
  NetworksReady: {
    Created: { cause: 'The NetworkAttachmentDefinitions are there.', cure: fine },
    NotPlanned: noPlan,
    ForeignNAD: {
      cause: 'A NetworkAttachmentDefinition of that name is not ours, and is left as it is.',
      cure: 'Delete or rename it, or the network.',
    },
    WriteFailed: {
      cause: 'The API server refused a write; the message has its words.',
      cure: 'It is tried again; look at the rights of the operator and at admission webhooks.',
    },
    CRDMissing: {
      cause:
        'A network of type sriov or mellanox needs another operator, which is not installed; the message names its CRD.',
      cure: 'Install it: it is noticed within half a minute. Or name a resource of another device plugin in `plugin.args.resourceName`.',
    },
    ForeignDependent: {
      cause: 'A SriovNetwork or SriovNetworkNodePolicy of that name is not ours, and is left as it is.',
      cure: 'Delete it, or name its resource in `plugin.args.resourceName`.',
    },
    NoDevices: {
      cause:
        'No device can be given to pods yet: no NIC of the network has a PCI address, or no resource is configured.',
      cure: 'See the message; it goes on by itself once there are some.',
    },
    Draining: draining,
  },
  RoutesReady: {
    InSync: { cause: 'All host routes are as planned.', cure: fine },
    NotNeeded: { cause: 'The network needs no host routes.', cure: fine },
    NotPlanned: noPlan,
    OutOfSync: {
      cause: 'Hosts cannot put their routes; the message names them and what the kernel said.',
      cure: 'See what else writes routes or rules on those hosts (firewall, network manager).',
    },
    Draining: draining,
  },
};
