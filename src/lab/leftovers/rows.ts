import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Rows of the host's store, one text each. The daemon holds the file alone, so a copy of it is read. Left out are resting
 * addresses and notes of DELs: they stay on purpose, and go by the clock.
 * @param hostDir the host's folder of the lab
 */
export function storeRows(hostDir: string): string[] {
  const dir = join(hostDir, 'var/lib/multinic');
  const names = existsSync(dir) ? readdirSync(dir).filter((name) => /\.(db|sqlite)(-wal)?$/.test(name)) : [];
  if (names.length === 0) return [];
  const copy = mkdtempSync(join(tmpdir(), 'multinic-lab-rows-'));
  try {
    for (const name of names) copyFileSync(join(dir, name), join(copy, name));
    return names.filter((name) => !name.endsWith('-wal')).flatMap((name) => rowsOf(join(copy, name)));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function rowsOf(file: string): string[] {
  const database = new DatabaseSync(file);
  try {
    const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
    return tables.flatMap(({ name }) => (isPassing(String(name)) ? [] : rowsOfTable(database, String(name))));
  } finally {
    database.close();
  }
}

function rowsOfTable(database: DatabaseSync, table: string): string[] {
  const statement = database.prepare(`select * from "${table}"`);
  statement.setReadBigInts(true);
  const rows = statement.all();
  const texts = table === 'meta' ? rows.flatMap(settingTexts) : rows.map(keyText);
  return texts.map((text) => `${table}: ${text}`);
}

/** A setting counts as often as it has entries, so that an empty list is nothing. */
function settingTexts({ name, value }: Record<string, unknown>): string[] {
  const entries = entriesOf(String(value));
  return entries === undefined ? [String(name)] : entries.map((entry) => `${String(name)} ${entry}`);
}

/** What a JSON list or object holds, by name where there is one; undefined for any other text. */
function entriesOf(text: string): string[] | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (Array.isArray(json)) return json.map((entry: unknown) => JSON.stringify(entry).slice(0, 60));
    return typeof json === 'object' && json !== null ? Object.keys(json) : undefined;
  } catch {
    return undefined;
  }
}

/** The first columns, which are what rows are known by; long texts are cut. */
function keyText(row: Record<string, unknown>): string {
  return Object.entries(row)
    .slice(0, 4)
    .map(([name, value]) => `${name}=${String(value).slice(0, 60)}`)
    .join(' ');
}

function isPassing(table: string): boolean {
  return /^(sqlite_.*|resting|notes)$/.test(table);
}
