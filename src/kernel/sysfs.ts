import { readFileSync } from 'node:fs';

/** Reads a small text of /sys or /proc, trimmed; undefined when absent or refused (speed of a link that is down: EINVAL). */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}
