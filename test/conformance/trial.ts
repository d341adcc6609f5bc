import { randomBytes } from 'node:crypto';
import type { CniVersion } from '../../src/cni/types.ts';
import { createKernel } from '../../src/kernel/ip.ts';
import type { Link } from '../../src/kernel/types.ts';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import type { Launch } from '../../src/spawner/types.ts';
import { type Run, runProgram } from './run-program.ts';
import type { ConfigWish, Json, Subject } from './subject.ts';

export type Command = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

/** A container: its id and its namespace. */
export interface Pod {
  readonly id: string;
  /** Path as the plugin gets it. */
  readonly netns: string;
  /** Links without lo. */
  links(): Promise<readonly Link[]>;
  /** Runs `ip` inside. @throws Error with what it said */
  ip(...args: string[]): Promise<string>;
  /** Removes the namespace, as a runtime does. */
  remove(): Promise<void>;
}

/** How a call differs from the usual one. */
export interface CallWish extends ConfigWish {
  readonly ifname?: string;
  /** Keys on top of the configuration; undefined takes one away. */
  readonly config?: Json;
  /** stdin as it is, instead of a configuration. */
  readonly stdin?: string;
  /** Variables on top of the usual ones; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Directories of CNI_PATH. */
  readonly path?: readonly string[];
  /** Words between the host and the program: a shell that arranges something. */
  readonly wrap?: readonly string[];
  readonly program?: string;
  readonly limitMs?: number;
  readonly started?: (kill: () => void) => void;
}

/** One statement in one version on one subject; what it makes is removed at its end. */
export interface Trial {
  readonly version: CniVersion;
  readonly subject: Subject;
  readonly host: LabHost;
  /** The built recorder.c. */
  readonly recorder: string;
  /** A folder of its own that the plugin sees under the same path. */
  readonly folder: string;
  /** How much slower than a plain machine everything is. */
  readonly slowness: number;
  pod(): Promise<Pod>;
  call(command: Command, pod: Pod | undefined, wish?: CallWish): Promise<Run>;
  end(): Promise<void>;
}

/** Of the programs that a check itself runs. */
export const systemPath = '/usr/sbin:/usr/bin:/sbin:/bin';

export interface TrialParts {
  readonly version: CniVersion;
  readonly subject: Subject;
  readonly host: LabHost;
  readonly launch: Launch;
  readonly recorder: string;
  readonly folder: string;
  readonly slowness: number;
}

export function createTrial(parts: TrialParts): Trial {
  const pods = new Map<Pod, CallWish[]>();
  const call: Trial['call'] = (command, pod, wish = {}) => {
    if (command === 'ADD' && pod !== undefined) pods.get(pod)?.push(wish);
    return callPlugin(parts, command, pod, wish);
  };
  return {
    ...parts,
    async pod() {
      const pod = await makePod(parts.launch);
      pods.set(pod, []);
      return pod;
    },
    call,
    async end() {
      for (const [pod, added] of pods) {
        for (const { program: _own, wrap: _wrap, started: _started, env: _env, ...wish } of added.toReversed()) {
          await callPlugin(parts, 'DEL', pod, wish);
        }
        await pod.remove();
      }
    },
  };
}

function callPlugin(parts: TrialParts, command: Command, pod: Pod | undefined, wish: CallWish): Promise<Run> {
  const { launch, subject, version } = parts;
  const usual = {
    CNI_COMMAND: command,
    ...(pod === undefined ? {} : { CNI_CONTAINERID: pod.id, CNI_NETNS: pod.netns, CNI_IFNAME: wish.ifname ?? 'net1' }),
    CNI_PATH: (wish.path ?? subject.path).join(':'),
  };
  const config = { cniVersion: version, ...subject.config(version, wish), ...wish.config };
  return runProgram(launch, [...(wish.wrap ?? []), wish.program ?? subject.program], {
    env: defined({ ...usual, ...wish.env }),
    stdin: wish.stdin ?? JSON.stringify(config),
    limitMs: wish.limitMs ?? 60_000 * parts.slowness,
    ...(wish.started === undefined ? {} : { started: wish.started }),
  });
}

function defined(variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(variables).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return Object.fromEntries(entries);
}

async function makePod(launch: Launch): Promise<Pod> {
  const name = `conf-${randomBytes(6).toString('hex')}`;
  const kernel = createKernel({ launch, timeoutMs: 60_000 });
  const run = (args: readonly string[]) =>
    runProgram(launch, ['ip', ...args], { env: { PATH: systemPath }, stdin: '', limitMs: 60_000 });
  const ip = async (...args: string[]) => {
    const { status, stdout, stderr } = await run(args);
    if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
    return stdout;
  };
  await ip('netns', 'add', name);
  const netns = `/run/netns/${name}`;
  return {
    id: name,
    netns,
    links: async () => (await kernel.links(netns)).filter((link) => link.name !== 'lo'),
    ip: (...args) => ip('-n', name, ...args),
    remove: () => run(['netns', 'delete', name]).then(() => undefined),
  };
}
