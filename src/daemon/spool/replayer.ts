import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CniError } from '../../api/cni-error.ts';
import { messageOf } from '../../api/message-of.ts';
import type { WireCall } from '../../cni/wire.ts';
import type { Logger } from '../../observe/logger.ts';
import { brokenFolder, isMissing, listSpool, readEntry } from './entry.ts';

export interface SpoolOptions {
  /** The shim has /var/lib/multinic/spool compiled in. */
  readonly dir: string;
  /** Of the running kernel: orders entries. */
  readonly bootId: string;
  /** Does the call, durably, before it resolves; a rejection keeps the entry and is tried again. */
  readonly handle: (call: WireCall) => Promise<unknown>;
  /** Ends the watch; entries in work are finished, others stay. */
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Entries in work at once; 8 unless told. */
  readonly parallel?: number;
}

/** What has become of entries so far. */
export interface SpoolCounts {
  readonly replayed: number;
  /** Attempts that failed; their entries stay. */
  readonly failed: number;
  /** Moved aside, since they can never be replayed. */
  readonly broken: number;
}

/** ms after which an unfinished file is a killed shim's; a living one has given up long before. */
const unfinishedAfter = 10 * 60_000;

/** Works the spool off: starts entries oldest first, some at once, so that one that hangs does not hold up the others. */
export class SpoolReplayer {
  readonly #options: SpoolOptions;
  readonly #waiting: string[] = [];
  readonly #known = new Set<string>();
  readonly #failed = new Set<string>();
  readonly #counts = { replayed: 0, failed: 0, broken: 0 };
  #running = 0;
  /** Absent when idle. */
  #work: PromiseWithResolvers<void> | undefined;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get counts(): SpoolCounts {
    return { ...this.#counts };
  }

  /** Resolves when nothing is in work or waiting. */
  async idle(): Promise<void> {
    await this.#work?.promise;
  }

  /**
   * Lists the folder and starts what is new in it, and again what has failed when `retryFailed`. Does not wait for the work.
   * @throws Error when the folder cannot be read
   */
  async look(retryFailed: boolean): Promise<void> {
    const { dir, bootId } = this.#options;
    const { entries, foreign, unfinished } = await listSpool(dir, bootId);
    for (const name of unfinished) await removeAbandoned(join(dir, name));
    for (const name of foreign)
      await this.#setAside(name, 'not a name that the shim gives').catch((error: unknown) =>
        this.#failedAside(name, error),
      );
    if (retryFailed) this.#failed.clear();
    for (const { name } of entries) {
      if (this.#known.has(name) || this.#failed.has(name)) continue;
      this.#known.add(name);
      this.#waiting.push(name);
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#options.signal.aborted) this.#waiting.length = 0;
    while (this.#running < (this.#options.parallel ?? 8)) {
      const name = this.#waiting.shift();
      if (name === undefined) break;
      this.#work ??= Promise.withResolvers();
      this.#running++;
      void this.#run(name);
    }
    if (this.#running > 0) return;
    this.#work?.resolve();
    this.#work = undefined;
  }

  async #run(name: string): Promise<void> {
    try {
      await this.#replay(name);
    } catch (error) {
      this.#failed.add(name);
      this.#counts.failed++;
      this.#options.log.warn({ entry: name, error: messageOf(error) }, 'spooled call failed; it stays in the spool');
    } finally {
      this.#known.delete(name);
      this.#running--;
      this.#pump();
    }
  }

  async #replay(name: string): Promise<void> {
    const call = await this.#read(name);
    if (call === undefined) return;
    await this.#options.handle(call);
    await removeDurably(this.#options.dir, name);
    this.#counts.replayed++;
    const { CNI_CONTAINERID: containerID, CNI_IFNAME: ifname } = call.environment;
    this.#options.log.info({ entry: name, containerID, ifname }, 'spooled call replayed');
  }

  /** Only what the content itself is to blame for goes aside; a disk that fails now may not fail later. */
  async #read(name: string): Promise<WireCall | undefined> {
    try {
      return await readEntry(this.#options.dir, name);
    } catch (error) {
      if (!(error instanceof CniError)) throw error;
      await this.#setAside(name, error.message);
      return undefined;
    }
  }

  #failedAside(name: string, error: unknown): void {
    this.#options.log.warn({ entry: name, error: messageOf(error) }, 'file in the spool cannot be moved aside');
  }

  async #setAside(name: string, why: string): Promise<void> {
    const { dir, log } = this.#options;
    const folder = join(dir, brokenFolder);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rename(join(dir, name), join(folder, name));
    this.#counts.broken++;
    log.warn({ entry: name, folder, error: why }, 'spooled call cannot be replayed; moved aside for people to look at');
  }
}

/** Synced, so that a DEL that is done does not come back after a power failure. */
async function removeDurably(dir: string, name: string): Promise<void> {
  await rm(join(dir, name), { force: true });
  await using directory = await open(dir, 'r');
  await directory.sync();
}

async function removeAbandoned(path: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > unfinishedAfter) await rm(path, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
