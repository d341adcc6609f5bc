import { messageOf } from '../api/message-of.ts';
import { emptyResult } from '../cni/result.ts';
import type { AttachmentKey, CniResult } from '../cni/types.ts';
import { launchDirectly } from '../spawner/direct.ts';
import type { Launch } from '../spawner/types.ts';
import { parse, resultOf, withRecorded } from './answer.ts';
import { findBinary, stampOf } from './binary.ts';
import { delegateError, failureOf, type Subject, subjectText } from './failure.ts';
import { isObject } from './json.ts';
import { attachmentText, attachmentVariable, endOrphans, type Orphan, ownerVariable, startTime } from './orphans.ts';
import { type PluginRun, runPlugin } from './process.ts';
import type { DelegateCall } from './types.ts';

export interface DelegatesOptions {
  /** Starts their processes; Node itself unless told. */
  readonly launch?: Launch;
  /** Names this daemon and no other on the machine, across restarts: marks its delegates. */
  readonly owner: string;
  /** Put before the binary, to run it in the host's namespaces: ['nsenter', '-t', '1', '-n', '-m']. */
  readonly enter?: readonly string[];
  /** Where the host's files are seen: /proc/1/root with `enter`, else nothing. */
  readonly root?: string;
  /** PATH of delegates. */
  readonly path?: string;
  /** For one call of one delegate, ms. */
  readonly timeoutMs?: number;
  /** For what one call writes, bytes. */
  readonly outputLimit?: number;
  /** How long a delegate's output may stay open after its end, ms. */
  readonly drainMs?: number;
  /** What a delegate wrote to stderr, however it ended; `who` is `NIC eth1: macvlan ADD`. */
  readonly onRemark?: (who: string, text: string) => void;
}

/** A delegate's process, as it can be found again. */
export interface Spawned {
  readonly call: DelegateCall;
  readonly pid: number;
  /** Ticks since boot. */
  readonly startTime?: string;
}

/** What all calls of one attachment share. */
export interface DelegateContext {
  readonly key: AttachmentKey;
  /** Path; empty: none (DEL only). */
  readonly netns: string;
  /** CNI_ARGS without IP, MAC, GATEWAY. */
  readonly args: string;
  /** Directories of CNI_PATH. */
  readonly path: readonly string[];
  /** Ends the delegates when the caller has gone. */
  readonly signal?: AbortSignal;
  /** No call of the request goes on beyond this moment, ms as performance.now() counts; without it each has its own limit only. */
  readonly until?: number;
  /** How long delegates may take to undo a failed ADD, ms; without it each has its own limit only. */
  readonly undoMs?: number;
  readonly onSpawn?: (spawned: Spawned) => void;
}

/** For undoing a failed ADD, from now: whoever called it may have gone, and its time may be over. */
export function undoing({ signal: _ended, until: _over, ...rest }: DelegateContext): DelegateContext {
  return rest.undoMs === undefined ? rest : { ...rest, until: performance.now() + rest.undoMs };
}

/** A delegate's complete configuration, of CNI 1.1.0, without any attachment. */
export type NetworkDelegateCall = Pick<DelegateCall, 'plugin' | 'config'> & { readonly nic?: string };

export interface Delegates {
  /** Path of the binary of that name. @throws CniError 103 naming binary and CNI_PATH, 4 for a name with a separator */
  find(path: readonly string[], name: string): string;
  /** CNI versions that the binary speaks; asked for once per file. @throws CniError */
  versions(binary: string): Promise<readonly string[]>;
  /**
   * Runs one call.
   * @param recorded given as prevResult: result of its ADD to DEL and CHECK, that of the plugin before to ADD of a chained one
   * @returns the result of ADD, else the empty one
   * @throws CniError naming NIC and delegate, with the delegate's code where it gives one
   */
  run(
    call: DelegateCall,
    verb: 'ADD' | 'DEL' | 'CHECK',
    context: DelegateContext,
    recorded?: CniResult,
  ): Promise<CniResult>;
  /**
   * Runs a verb that is about a network, not about an attachment.
   * @param timeoutMs instead of the usual limit
   * @throws CniError as `run`
   */
  runNetwork(
    call: NetworkDelegateCall,
    verb: 'GC' | 'STATUS',
    path: readonly string[],
    timeoutMs?: number,
  ): Promise<void>;
  /** Variables by which endOrphans finds a program that works for an attachment. */
  marks(key: AttachmentKey): Readonly<Record<string, string>>;
  /** Ends the delegates that an earlier run of this daemon left, and waits for their end. */
  endOrphans(): Promise<readonly Orphan[]>;
}

export function createDelegates(options: DelegatesOptions): Delegates {
  const {
    owner,
    launch = launchDirectly,
    enter = [],
    root = '',
    timeoutMs = 30_000,
    outputLimit = 1024 * 1024,
    onRemark,
  } = options;
  const path = options.path ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const running = new Set<number>();
  const starting = new Set<Promise<void>>();
  const own = { has: (group: number) => running.has(group), known: () => Promise.all(starting) };
  const known = new Map<string, { readonly stamp: string; readonly versions: Promise<readonly string[]> }>();

  async function execute(
    binary: string,
    subject: Subject,
    env: Record<string, string>,
    config: unknown,
    more: Pick<DelegateContext, 'signal' | 'until'> & {
      onSpawn?: (pid: number) => void;
      timeoutMs?: number;
      attachment?: string;
    } = {},
  ): Promise<PluginRun> {
    let run: PluginRun;
    const start = Promise.withResolvers<void>();
    starting.add(start.promise);
    const started = (): void => {
      starting.delete(start.promise);
      start.resolve();
    };
    try {
      run = await runPlugin(launch, [...enter, binary], {
        env: { PATH: path, [ownerVariable]: owner, CNI_COMMAND: subject.verb, ...env },
        input: JSON.stringify(config),
        timeoutMs: Math.max(
          1,
          Math.round(Math.min(more.timeoutMs ?? timeoutMs, (more.until ?? Infinity) - performance.now())),
        ),
        outputLimit,
        ...(options.drainMs === undefined ? {} : { drainMs: options.drainMs }),
        ...(more.signal === undefined ? {} : { signal: more.signal }),
        onSpawn(pid) {
          running.add(pid);
          started();
          more.onSpawn?.(pid);
        },
        onEnd: (pid) => running.delete(pid),
      });
    } catch (cause) {
      const why = messageOf(cause);
      throw delegateError(subject, `cannot be started: ${binary}: ${why}`, '', cause);
    } finally {
      started();
    }
    const remark = run.stderr.trim();
    if (remark !== '') onRemark?.(subjectText(subject), remark);
    const { attachment } = more;
    // What left the delegate's process group outlived it: it must not make a link on an address that is free by then.
    if (attachment !== undefined && isEnded(run)) await endOrphans(owner, own, 2000, attachment).catch(() => []);
    if (run.end.kind !== 'status' || run.end.status !== 0) throw failureOf(subject, run);
    return run;
  }

  async function askVersions(binary: string): Promise<readonly string[]> {
    const subject: Subject = { plugin: binary, verb: 'VERSION' };
    const run = await execute(binary, subject, {}, { cniVersion: '1.0.0' }, { timeoutMs: Math.min(timeoutMs, 10_000) });
    const answer = parse(subject, run.stdout);
    const list = isObject(answer) ? answer['supportedVersions'] : undefined;
    if (!Array.isArray(list)) throw delegateError(subject, 'did not answer with supportedVersions');
    return list.filter((version) => typeof version === 'string');
  }

  return {
    find: (directories, name) => findBinary(root, directories, name),
    versions(binary) {
      const stamp = stampOf(`${root}${binary}`);
      const cached = known.get(binary);
      if (cached?.stamp === stamp) return cached.versions;
      const versions = askVersions(binary);
      known.set(binary, { stamp, versions });
      // What failed is asked for again.
      versions.catch(() => known.delete(binary));
      return versions;
    },
    async run(call, verb, context, recorded) {
      const subject: Subject = { nic: call.nic, plugin: call.plugin, verb };
      const binary = findBinary(root, context.path, call.plugin);
      const env = environmentOf(call, context);
      const { onSpawn, signal, until } = context;
      const run = await execute(binary, subject, env, withRecorded(call, verb, recorded), {
        attachment: attachmentText(context.key),
        ...(until === undefined ? {} : { until }),
        ...(signal === undefined ? {} : { signal }),
        ...(onSpawn === undefined ? {} : { onSpawn: (pid) => onSpawn(spawned(call, pid)) }),
      });
      return verb === 'ADD' ? resultOf(subject, call, run.stdout) : emptyResult;
    },
    async runNetwork({ nic, plugin, config }, verb, directories, limitMs) {
      const subject: Subject = { ...(nic === undefined ? {} : { nic }), plugin, verb };
      const binary = findBinary(root, directories, plugin);
      const env = { CNI_PATH: directories.join(':') };
      await execute(binary, subject, env, config, limitMs === undefined ? {} : { timeoutMs: limitMs });
    },
    marks: (key) => ({ [ownerVariable]: owner, [attachmentVariable]: attachmentText(key) }),
    endOrphans: () => endOrphans(owner, own),
  };
}

/** Whether we ended it, or what it left. */
function isEnded({ end }: PluginRun): boolean {
  return end.kind !== 'status' && end.kind !== 'signal';
}

function environmentOf(call: DelegateCall, context: DelegateContext): Record<string, string> {
  return {
    CNI_CONTAINERID: context.key.containerID,
    CNI_NETNS: context.netns,
    CNI_IFNAME: call.ifname,
    CNI_ARGS: context.args,
    CNI_PATH: context.path.join(':'),
    [attachmentVariable]: attachmentText(context.key),
  };
}

function spawned(call: DelegateCall, pid: number): Spawned {
  const time = startTime(pid);
  return { call, pid, ...(time === undefined ? {} : { startTime: time }) };
}
