import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createDiskSync } from './disk-sync.ts';
import { migrate } from './schema.ts';
import { createStore } from './sqlite-store.ts';
import type { Store } from './types.ts';

/**
 * fresh: there was no file. loaded: all is known. recovered-empty: the file was unreadable and was put aside; what this host
 * has handed out is NOT known, and must be learned elsewhere before an address is given out.
 */
export type StoreState = 'fresh' | 'loaded' | 'recovered-empty';

export interface OpenedStore {
  readonly store: Store;
  readonly state: StoreState;
  /** The unreadable file, when state is recovered-empty. */
  readonly asideFile?: string;
  /** What was wrong with it, when this opening put it aside. */
  readonly damage?: string;
}

export interface OpenOptions {
  /** File of the database; its directory is made (0700) when missing. */
  readonly path: string;
  /** This boot's id. */
  readonly bootId: string;
  /** ms since the epoch; names the file that is put aside. */
  readonly now: () => number;
}

/**
 * Name of the store text that keeps `fresh` and `recovered-empty` across restarts: until it is set to undefined, opening
 * again answers the same state. Otherwise a crash right after losing the file would turn "unknown" into "all free".
 */
export const originName = 'origin';

/** The file is in use by another process, or written by a newer program: nothing was changed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteNotADatabase = 26;

/**
 * Opens the host's store, alone: WAL, exclusive lock, newest schema, checked. What opening itself writes is on disk when it is done.
 * An unreadable file is renamed to `<path>.corrupt-<time>` (with its -wal) and an empty store opened in its place.
 * @throws StoreError when another process holds it, or a newer program wrote it
 */
export function openStore(options: OpenOptions): OpenedStore {
  const { path } = options;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  finishPuttingAside(path);
  const existed = existsSync(path);
  try {
    return openAt(options, existed ? undefined : 'fresh');
  } catch (error) {
    if (!existed || !isDamage(error)) throw error;
    putAside(path, `${path}.corrupt-${new Date(options.now()).toISOString().replaceAll(':', '')}`);
    return { ...openAt(options, undefined), damage: describe(error) };
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`;
}

function openAt(options: OpenOptions, origin: string | undefined): OpenedStore {
  const { path } = options;
  const lost = readLost(path);
  const db = openDatabase(path);
  try {
    check(db);
    migrate(db);
    const state = lost === undefined ? origin : `recovered-empty ${lost}`;
    if (state !== undefined) db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)').run(originName, state);
    rmSync(lostMarker(path), { force: true });
    const store = loadStore(db, options);
    return { store, ...parseOrigin(store.get(originName)) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Takes the lock before anything is read: a second daemon on the host must not even look. */
function openDatabase(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: 2000 });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    db.exec('BEGIN EXCLUSIVE; COMMIT');
    return db;
  } catch (error) {
    db.close();
    if (sqliteCode(error) === sqliteBusy) {
      throw new StoreError(`${path} is in use by another process: only one multinic daemon may run on a host`, {
        cause: error,
      });
    }
    throw error;
  }
}

function check(db: DatabaseSync): void {
  const answers = db
    .prepare('PRAGMA quick_check(5)')
    .all()
    .map((row) => String(Object.values(row)[0]));
  if (answers[0] !== 'ok') throw new Damage(`quick_check: ${answers.join('; ')}`);
}

/** Rows that cannot be understood count as damage: guessing would free held addresses. */
function loadStore(db: DatabaseSync, { path, bootId }: OpenOptions): Store {
  // From here on commits go to the WAL, and the WAL to the disk beside the event loop.
  db.exec('PRAGMA synchronous = NORMAL');
  const disk = createDiskSync(`${path}-wal`);
  syncDirectory(path);
  try {
    return createStore(db, bootId, disk);
  } catch (error) {
    disk.close();
    throw new Damage('rows cannot be read', { cause: error });
  }
}

function parseOrigin(value: string | undefined): { state: StoreState; asideFile?: string } {
  if (value === undefined) return { state: 'loaded' };
  const [state, ...file] = value.split(' ');
  return state === 'recovered-empty' ? { state, asideFile: file.join(' ') } : { state: 'fresh' };
}

class Damage extends Error {}

function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return error instanceof Damage || code === sqliteCorrupt || code === sqliteNotADatabase;
}

/** Primary result code of a node:sqlite error. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Says, durably and before anything is renamed, that the content was lost; gone once an opened store says so itself. */
function lostMarker(path: string): string {
  return `${path}.lost`;
}

function readLost(path: string): string | undefined {
  return existsSync(lostMarker(path)) ? readFileSync(lostMarker(path), 'utf8') : undefined;
}

function putAside(path: string, aside: string): void {
  writeFileSync(lostMarker(path), aside, { flush: true });
  syncDirectory(path);
  moveAside(path, aside);
}

/** A crash between the marker and the new store: whether the broken file was moved already is seen by its new name. */
function finishPuttingAside(path: string): void {
  const aside = readLost(path);
  if (aside !== undefined && aside !== '' && !existsSync(aside)) moveAside(path, aside);
}

function moveAside(path: string, aside: string): void {
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  }
  syncDirectory(path);
}

function syncDirectory(path: string): void {
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}
