import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code } from '../../src/api/cni-error.ts';
import { type Message, messagesOfCalls, messagesOfProperties } from './errors/messages.ts';
import { reasons } from './errors/reasons.ts';
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

/** A group of messages that have their cause and their cure in common. */
interface Group {
  readonly title: string;
  readonly cause: string;
  readonly cure: string;
  /** Sources, and how messages stand in them. */
  readonly files: string;
  readonly read: (source: string) => readonly Message[];
}

/** All that a user can meet besides CNI errors and conditions. Sources that are new in these folders are in it by themselves. */
const groups: readonly Group[] = [
  {
    title: 'A network that is refused',
    cause:
      'A field of a MultiNicNetwork or Config; the line begins with its path. Shown by condition Accepted and by `multinic check`.',
    cure: 'Correct the field as the message says; all problems are named at once.',
    files: 'src/api/*.ts',
    read: (source) => [...messagesOfCalls(source, '.add(', 1), ...messagesOfProperties(source, 'message')],
  },
  {
    title: 'An address or prefix that cannot be read',
    cause: 'A text in a manifest, an annotation or a configuration is no address or prefix.',
    cure: 'Write it as the message says.',
    files: 'src/net/*.ts',
    read: (source) => messagesOfCalls(source, 'new NetError(', 0),
  },
  {
    title: 'A plan or a choice that does not come about',
    cause: 'Hosts, NICs or addresses do not allow what a network or a pod asks for.',
    cure: 'The message names what there is, and what to change.',
    files: 'src/{ipam,policy}/**/*.ts',
    read: (source) => messagesOfProperties(source, 'message'),
  },
  {
    title: 'The words of conditions',
    cause: 'The operator says how far a network or Config is.',
    cure: 'See the reason in the table above.',
    files: 'src/operator/*.ts',
    read: (source) => messagesOfProperties(source, 'message'),
  },
  {
    title: 'What a delegate did wrong',
    cause:
      'The plugin that the message begins with (`NIC eth1: macvlan ADD …`) failed; code 103 unless it gave its own.',
    cure: 'Look at that plugin and its log; every interface of the attempt has been taken back.',
    files: 'src/delegates/*.ts',
    read: (source) => messagesOfCalls(source, 'delegateError(', 1),
  },
  {
    title: 'Without the daemon',
    cause: 'The CNI program itself, when the daemon of the host does not answer or the call cannot be read.',
    cure: 'See whether the daemon runs on that node; for the spool, make room or make it writable.',
    files: 'src/shim/multi-nic.c',
    read: (source) => messagesOfCalls(source, 'fail(', 1),
  },
  {
    title: 'On the command line',
    cause: 'An option or a file that cannot be used.',
    cure: 'Write it as the message says.',
    files: 'src/cli/**/*.ts',
    read: (source) => [
      ...messagesOfCalls(source, 'new InvalidArgumentError(', 0),
      ...messagesOfCalls(source, 'new Error(', 0),
    ],
  },
];

const root = join(import.meta.dirname, '../..');

function sourcesOf(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: root })
    .toSorted()
    .map((path) => readFileSync(join(root, path), 'utf8'));
}

/** Lines of a list, each message once. */
function listed(messages: readonly Message[]): string[] {
  return [...new Set(messages.map(({ text }) => text))].toSorted().map((text) => `- ${text.replaceAll('|', '\\|')}`);
}

function codeMessages(): string[] {
  const all = sourcesOf('src/**/*.ts').flatMap((source) => messagesOfCalls(source, 'new CniError(', 1));
  return Object.keys(entries).flatMap((name) => {
    const own = listed(all.filter(({ subject }) => subject === `code.${name}`));
    const numbers: Readonly<Record<string, number>> = code;
    return own.length === 0 ? [] : ['', `### Code ${numbers[name]}`, '', ...own];
  });
}

function groupLines({ title, cause, cure, files, read }: Group): string[] {
  const messages = listed(sourcesOf(files).flatMap(read));
  return ['', `## ${title}`, '', `Cause: ${cause}`, '', `Cure: ${cure}`, '', ...messages];
}

function reasonRows(): string[] {
  return Object.entries(reasons).flatMap(([type, list]) =>
    Object.entries(list).map(([reason, { cause, cure }]) => `| ${type} | ${reason} | ${cause} | ${cure} |`),
  );
}

/** docs/errors.md: every message that a user can meet, with cause and cure. `npm run check` fails while the page lacks one. */
export function errorReference(): GeneratedFile {
  const numbers: Readonly<Record<string, number>> = code;
  const rows = Object.entries(entries)
    .map(([name, entry]) => ({ number: numbers[name] ?? Number.NaN, ...entry }))
    .toSorted((a, b) => a.number - b.number)
    .map(({ number, when, what }) => `| ${number} | ${when} | ${what} |`);
  const lines = [
    '# Errors',
    '',
    'Generated from the sources by `npm run generate`: do not edit. ‹…› stands for a value.',
    '',
    'A pod that cannot be attached stays in ContainerCreating; `kubectl describe pod` shows the error in its events, as Multus',
    'passes it on. Each message names the object, the value, the limit and what to do. 1 to 11, 50, 51 and 999 are codes of the CNI',
    'specification and its Go library; those from 100 on are multinic’s own. DEL never fails for things that are already gone.',
    '',
    '| Code | When | What to do |',
    '|---|---|---|',
    ...rows,
    '',
    '## Conditions of a MultiNicNetwork',
    '',
    '| Condition | Reason | Cause | Cure |',
    '|---|---|---|---|',
    ...reasonRows(),
    ...groups.flatMap(groupLines),
    '',
    '## CNI errors by code',
    '',
    'Cause and cure are in the table at the top.',
    ...codeMessages(),
  ];
  return { path: 'docs/errors.md', text: `${lines.join('\n')}\n` };
}
