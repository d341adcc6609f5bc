import { CniError, code } from '../api/cni-error.ts';
import { type CniArgs, parseArgs } from './args.ts';
import { quote } from './fields.ts';

/** Environment of ADD, DEL, CHECK behind the gate. */
export interface ContainerEnvironment {
  readonly verb: 'ADD' | 'DEL' | 'CHECK';
  readonly containerID: string;
  readonly ifname: string;
  /** Empty: none (DEL only). */
  readonly netns: string;
  /** CNI_NETNS_OVERRIDE: the netns may be the host's own. */
  readonly netnsOverride: boolean;
  readonly path: readonly string[];
  readonly args: CniArgs;
}

/** Environment of GC and STATUS behind the gate. */
export interface NetworkEnvironment {
  readonly verb: 'GC' | 'STATUS';
  readonly path: readonly string[];
}

type Variables = Readonly<Record<string, string>>;
type CallVerb = ContainerEnvironment['verb'] | NetworkEnvironment['verb'];

/** What each verb cannot do without: CNI specification 1.1.0 section 2; CNI_PATH as its Go library has it. */
const required = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
  GC: ['CNI_PATH'],
  STATUS: ['CNI_PATH'],
} as const satisfies Record<CallVerb, readonly string[]>;

const identifier = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Whether the text may name a container or a network: alphanumeric first, then also `_`, `.`, `-`. */
export function isIdentifier(text: string): boolean {
  return identifier.test(text);
}

/**
 * Judges the CNI_* variables in the order of the Go library's skel: all missing ones in one message, then the forms.
 * @throws CniError 4
 */
export function readEnvironment(variables: Variables): ContainerEnvironment | NetworkEnvironment {
  const verb = readVerb(variables);
  const missing = required[verb].filter((name) => valueOf(variables, name) === '');
  if (missing.length > 0) {
    throw invalid(`required variables are missing or empty for ${verb}: ${missing.join(', ')}`);
  }
  if (verb === 'GC' || verb === 'STATUS') return { verb, path: readPath(variables, verb) };
  return {
    verb,
    containerID: readContainerID(valueOf(variables, 'CNI_CONTAINERID')),
    ifname: readIfname(valueOf(variables, 'CNI_IFNAME')),
    netns: valueOf(variables, 'CNI_NETNS'),
    netnsOverride: /^(1|true)$/i.test(valueOf(variables, 'CNI_NETNS_OVERRIDE')),
    path: readPath(variables, verb),
    args: parseArgs(valueOf(variables, 'CNI_ARGS'), verb === 'DEL'),
  };
}

function readVerb(variables: Variables): CallVerb {
  const text = valueOf(variables, 'CNI_COMMAND');
  if (text === 'ADD' || text === 'DEL' || text === 'CHECK' || text === 'GC' || text === 'STATUS') return text;
  throw invalid(`CNI_COMMAND ${quote(text)} is unknown here: ADD, DEL, CHECK, GC and STATUS are served`);
}

function readContainerID(text: string): string {
  if (isIdentifier(text)) return text;
  throw invalid(
    `CNI_CONTAINERID ${quote(text)}: must begin with a letter or digit and hold only these, "_", "." and "-"`,
  );
}

/** The kernel's rule for link names (dev_valid_name), which the Go library repeats. */
function readIfname(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes > 15) throw invalid(`CNI_IFNAME ${quote(text)}: has ${bytes} bytes, a link name has at most 15`);
  if (text === '.' || text === '..' || /[/:\s\0]/u.test(text)) {
    throw invalid(`CNI_IFNAME ${quote(text)}: must not be "." or ".." nor hold "/", ":" or white space`);
  }
  return text;
}

/** Relative directories would mean the daemon's own; a DEL passes over them, since its record names the directories. */
function readPath(variables: Variables, verb: CallVerb): readonly string[] {
  const directories = valueOf(variables, 'CNI_PATH')
    .split(':')
    .filter((directory) => directory !== '');
  const relative = directories.filter((directory) => !directory.startsWith('/'));
  if (relative.length > 0 && verb !== 'DEL') {
    throw invalid(`CNI_PATH: ${relative.map((directory) => quote(directory)).join(', ')}: must be absolute`);
  }
  return directories.filter((directory) => directory.startsWith('/'));
}

function valueOf(variables: Variables, name: string): string {
  return Object.hasOwn(variables, name) ? (variables[name] ?? '') : '';
}

function invalid(message: string): CniError {
  return new CniError(code.invalidEnvironment, message);
}
