import { afterFiles, launchDirectly } from '../spawner/direct.ts';
import { inNetns } from '../spawner/netns.ts';
import type { Launch } from '../spawner/types.ts';
import { type BatchOutcome, batchText, nextRun, readBatch } from './batch.ts';
import { linkArguments, lookFlags, parseLinks, showLinks } from './links.ts';
import { netnsId } from './netns.ts';
import { parseRoutes, type RouteQuery, routeArguments } from './routes.ts';
import { parseRules, ruleArguments } from './rules.ts';
import { KernelError, type Run, run } from './run.ts';
import { savedLink, savedRoutes } from './saved.ts';
import { sysctlFile } from './sysctl.ts';
import { readText } from './sysfs.ts';
import type { BatchOptions, IpCommand, Kernel, Netns } from './types.ts';
import { watch } from './watch.ts';

export interface KernelOptions {
  /** Starts the programs; Node itself unless told. */
  readonly launch?: Launch;
  /** Put before every program, to reach the host's namespaces from a container: ['nsenter', '-t', '1', '-n', '-m']. */
  readonly enter?: readonly string[];
  /** Directories of ip, nsenter, setpriv. */
  readonly path?: string;
  /** Limit for one program, ms. */
  readonly timeoutMs?: number;
  /** How long watch() gathers events, ms. */
  readonly coalesceMs?: number;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** A dump that the kernel changed under is asked for again, so often. */
const dumpAttempts = 5;

/** The kernel by way of iproute2. Programs get PATH and LC_ALL as their whole environment. */
export function createKernel(options: KernelOptions = {}): Kernel {
  const { launch = launchDirectly, enter = [], path = defaultPath, timeoutMs = 10_000, coalesceMs = 50 } = options;
  const env = { PATH: path, LC_ALL: 'C' };
  const exec = (argv: readonly string[], netns?: Netns, input = '', more: BatchOptions = {}): Promise<Run> => {
    const files = Object.entries(more.sysctls ?? {}).map(([name, value]) => [sysctlFile(name), value] as const);
    // A namespace's path is one of the host's, so it is entered there.
    const program =
      enter.length === 0
        ? { argv, files, ...(netns === undefined ? {} : { netns }) }
        : { argv: [...enter, ...inNetns(afterFiles(argv, files), netns)] };
    return run(launch, { ...program, env: { ...env, ...more.marks }, input }, timeoutMs);
  };

  async function dump(args: readonly string[], netns: Netns): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const result = await exec(['ip', ...args], netns);
      if (result.stderr.includes('Dump was interrupted') && attempt < dumpAttempts) continue;
      if (result.status === 0) return result.stdout;
      // A table without routes does not exist: that is no error to the reader.
      if (result.stderr.includes('FIB table does not exist')) return '[]';
      throw failure(`ip ${args.join(' ')}`, netns, result);
    }
  }

  async function batchOnce(
    commands: readonly IpCommand[],
    netns: Netns,
    options?: BatchOptions,
  ): Promise<BatchOutcome> {
    const part = nextRun(commands);
    const family = part.family === 6 ? ['-6'] : [];
    const result = await exec(['ip', ...family, '-force', '-batch', '-'], netns, batchText(part.commands), options);
    if (result.stderr.startsWith('nsenter:')) throw failure('ip -batch', netns, result);
    return readBatch(part.commands, result.stderr);
  }

  return {
    links: async (netns) => parseLinks(await dump(linkArguments, netns)),
    routes: async ({ netns, ...query }: RouteQuery & { netns?: Netns }) =>
      parseRoutes(await dump(routeArguments(query), netns), query),
    rules: async ({ family, netns }) => parseRules(await dump(ruleArguments(family), netns), family),
    async batch(commands, netns, options) {
      const results: (string | undefined)[] = [];
      while (results.length < commands.length) {
        const outcome = await batchOnce(commands.slice(results.length), netns, options);
        // Where ip gave up, the next process goes on behind that command.
        results.push(...outcome.results.slice(0, (outcome.stoppedAt ?? outcome.results.length) + 1));
      }
      return results;
    },
    async batchThenLinks(commands, netns, options) {
      const all = [...commands, showLinks];
      const result = await exec(['ip', ...lookFlags, '-force', '-batch', '-'], netns, batchText(all), options);
      const outcome = readBatch(all, result.stderr);
      const looked = outcome.stoppedAt === undefined && outcome.results.at(-1) === undefined;
      const answers = outcome.results.slice(0, commands.length);
      const links = looked ? result.stdout : await dump(linkArguments, netns);
      return { answers, links: parseLinks(links) };
    },
    async save(name, except) {
      const shown = await exec(['ip', ...linkArguments, 'dev', name]);
      if (shown.status !== 0) {
        if (/does not exist|Cannot find device/.test(shown.stderr)) return undefined;
        throw failure(`ip addr show dev ${name}`, undefined, shown);
      }
      const families = [4, 6] as const;
      const routes = families.map((family) =>
        dump([...routeArguments({ family, table: 'all' }), 'dev', name], undefined),
      );
      const made = (await Promise.all(routes)).flatMap((output) => savedRoutes(output, name, except));
      return savedLink(shown.stdout, made);
    },
    ownNetns: enter.length === 0 ? `/proc/${process.pid}/ns/net` : '/proc/1/ns/net',
    sysfs: (file) => readText(`/sys/${file}`),
    async setSysctls(sysctls, netns) {
      const result = await exec([], netns, '', { sysctls });
      if (result.status !== 0) throw failure(`setting ${Object.keys(sysctls).join(', ')}`, netns, result);
    },
    netnsId,
    watch(onChange, signal) {
      const argv = [...enter, 'ip', 'monitor', 'link', 'address', 'route', 'rule'];
      watch({ argv, env, coalesceMs, restartMs: 1000 }, onChange, signal);
    },
    bootId: () => readText('/proc/sys/kernel/random/boot_id') ?? '',
  };
}

function failure(what: string, netns: Netns, result: Run): KernelError {
  const where = netns === undefined ? '' : ` in ${netns}`;
  const said = result.stderr.trim();
  return new KernelError(`${what}${where} failed (${result.status}): ${said || 'it said nothing'}`, said);
}
