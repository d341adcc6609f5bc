import { code } from '../../src/api/cni-error.ts';
import type { GeneratedFile } from './file.ts';

interface Entry {
  readonly when: string;
  readonly what: string;
}

const entries: Readonly<Record<keyof typeof code, Entry>> = {
  incompatibleVersion: {
    when: 'The network configuration asks for a CNI version that multinic does not speak.',
    what: 'Use 0.3.0, 0.3.1, 0.4.0, 1.0.0 or 1.1.0 in `spec.plugin.cniVersion`.',
  },
  unsupportedField: {
    when: 'The configuration has a field that would change what pods get, and that multinic does not know.',
    what: 'Correct or remove the field that the message names.',
  },
  unknownContainer: {
    when: 'CHECK was asked about an attachment that this host has no record of.',
    what: 'Nothing, if the pod is gone; otherwise recreate it.',
  },
  invalidEnvironment: {
    when: 'A CNI variable is missing or malformed (CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_PATH, CNI_ARGS).',
    what: 'The message names the variable and its value; it comes from the runtime or Multus, not from the network.',
  },
  io: {
    when: 'A file or socket could not be read or written, for example the spool of deletions that wait for the daemon.',
    what: 'Look at the disk and at the rights of the path that the message names.',
  },
  decode: {
    when: 'The configuration on standard input is no JSON, or a delegate answered something that is none.',
    what: 'Look at the NetworkAttachmentDefinition, or at the plugin that the message names.',
  },
  invalidConfig: {
    when: 'The configuration does not hold together, or names a network that this host does not serve.',
    what: 'The message lists every problem with its field. Does the MultiNicNetwork exist, and is it Ready?',
  },
  invalidNetns: {
    when: 'The network namespace of the pod is gone, or is the host’s own.',
    what: 'The runtime removed the sandbox in the meantime; it starts a new one by itself.',
  },
  tryAgainLater: {
    when: 'The daemon is away or not ready, the network is being deleted, or its blocks have not arrived yet.',
    what: 'Kubelet tries again by itself. If it stays: is the daemon of that node running, and what does its /readyz say?',
  },
  notAvailable: {
    when: 'STATUS: an ADD to this network could not be served now: daemon away or not ready, no blocks or no room in them, delegates missing.',
    what: 'The message says what it waits for.',
  },
  limitedConnectivity: {
    when: 'STATUS: as 50, and a delegate says that pods which are there may have lost their connection.',
    what: 'The message carries the plugin’s own words.',
  },
  internal: {
    when: 'A fault of multinic itself.',
    what: 'Please report it with the log line that carries the same message.',
  },
  exhausted: {
    when: 'A block has no free address. The message counts what is in use and what rests after a release.',
    what: 'Wait for resting addresses (60 s), move pods to other hosts, or plan a network with fewer host or interface bits.',
  },
  unsatisfiable: {
    when: 'The pod asks for NICs or addresses that are not to be had: an unknown name, more NICs than there are, a taken or foreign address.',
    what: 'The message lists what there is; correct the `cni-args` or `ips` of the pod.',
  },
  delegate: {
    when: 'The plugin that makes an interface (ipvlan, macvlan) failed, or gave no answer in time.',
    what: 'The message carries the plugin’s own words and the NIC. Every interface of the attempt has been taken back.',
  },
  nicConflict: {
    when: 'Another network holds the NIC in another kind or mode (one NIC carries ipvlan of one mode, or macvlan).',
    what: 'Give the networks different NICs (`spec.masterNets`) or the same plugin and mode; it clears when the last pod of the other leaves.',
  },
};

/** docs/errors.md: every error code that a pod's events or a runtime's log can show. */
export function errorReference(): GeneratedFile {
  const numbers: Readonly<Record<string, number>> = code;
  const rows = Object.entries(entries)
    .map(([name, entry]) => ({ number: numbers[name] ?? Number.NaN, ...entry }))
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, when, what }) => `| ${number} | ${when} | ${what} |`);
  const lines = [
    '# Error codes',
    '',
    'Generated from src/api/cni-error.ts by `npm run generate`: do not edit.',
    '',
    'A pod that cannot be attached stays in ContainerCreating; `kubectl describe pod` shows the error in its events, as Multus',
    'passes it on. Each message names the object, the value, the limit and what to do. 1 to 11, 50, 51 and 999 are codes of the CNI',
    'specification and its Go library; those from 100 on are multinic’s own. DEL never fails for things that are already gone.',
    '',
    '| Code | When | What to do |',
    '|---|---|---|',
    ...rows,
  ];
  return { path: 'docs/errors.md', text: `${lines.join('\n')}\n` };
}
