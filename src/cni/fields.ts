import { messageOf } from '../api/message-of.ts';
import type { Problem } from '../api/problem.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads JSON of unknown shape and collects what is wrong with it instead of stopping at the first problem. As in Go's
 * decoder, which every other plugin uses, `null` counts as absent and unknown keys are ignored.
 */
export class FieldReader {
  readonly problems: Problem[] = [];

  /** Notes a problem; returns undefined so that a reader can end with it. */
  wrong(path: string, message: string): undefined {
    this.problems.push({ path, message });
    return undefined;
  }

  object(value: unknown, path: string): JsonObject | undefined {
    if (value === undefined || value === null) return undefined;
    return isObject(value) ? value : this.#wrongType(path, 'an object', value);
  }

  list(value: unknown, path: string): readonly unknown[] {
    if (value === undefined || value === null) return [];
    return Array.isArray(value) ? value : (this.#wrongType(path, 'a list', value) ?? []);
  }

  /** A text; the empty one counts as absent. */
  text(value: unknown, path: string): string | undefined {
    if (value === undefined || value === null || value === '') return undefined;
    return typeof value === 'string' ? value : this.#wrongType(path, 'a string', value);
  }

  /** Non-empty texts. */
  texts(value: unknown, path: string): readonly string[] {
    return this.list(value, path).flatMap((item, index) => {
      const text = this.text(item, `${path}[${index}]`);
      if (text === undefined && (item === null || item === '')) this.wrong(`${path}[${index}]`, 'must not be empty');
      return text === undefined ? [] : [text];
    });
  }

  /** An integer from 0 to 2^32 - 1, which is what kernel and CNI structures hold. */
  count(value: unknown, path: string): number | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
    return this.#wrongType(path, 'a whole number from 0 to 4294967295', value);
  }

  /** Whether `check` accepts the text; the error it throws becomes the problem. */
  valid(text: string, path: string, check: (text: string) => unknown): boolean {
    try {
      check(text);
      return true;
    } catch (error) {
      this.wrong(path, messageOf(error));
      return false;
    }
  }

  #wrongType(path: string, wanted: string, value: unknown): undefined {
    return this.wrong(path, `must be ${wanted}, not ${describe(value)}`);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** All problems in one line, as `path: message; path: message`. */
export function listProblems(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
}

/** Names a JSON value for a message; texts are cut, so that a message stays readable whatever comes in. */
export function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return quote(typeof value === 'string' ? value : String(value), typeof value === 'string');
}

const shown = 80;

/** A text of unknown origin as a message shows it. */
export function quote(text: string, quoted = true): string {
  const cut = text.length > shown ? `${text.slice(0, shown)}…` : text;
  return quoted ? JSON.stringify(cut) : cut;
}
