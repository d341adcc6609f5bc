import { isIP } from 'node:net';
import { NetError } from '../net/address.ts';
import { type Prefix, parsePrefix } from '../net/prefix.ts';
import type { Problem } from './problem.ts';

/** Collects everything that is wrong with one input. */
export class Findings {
  readonly problems: Problem[] = [];

  add(path: string, message: string): undefined {
    this.problems.push({ path, message });
    return undefined;
  }

  /** Runs a parser of src/net; what it refuses becomes a problem at the path. */
  net<T>(path: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      return this.add(path, error.message);
    }
  }

  /** A list of prefixes; those that are refused are left out. Repeated ones count once. */
  prefixes(path: string, texts: readonly string[], parse: (text: string) => Prefix = parsePrefix): Prefix[] {
    const unique = new Map<string, Prefix>();
    texts.forEach((text, index) => {
      const prefix = this.net(`${path}[${index}]`, () => parse(text));
      if (prefix !== undefined) unique.set(`${prefix.base}/${prefix.length}/${prefix.family}`, prefix);
    });
    return [...unique.values()];
  }
}

/** Parses a prefix, or a bare address as the prefix of that one address. @throws NetError */
export function parsePrefixOrAddress(text: string): Prefix {
  const family = isIP(text);
  return parsePrefix(family === 0 ? text : `${text}/${family === 4 ? 32 : 128}`);
}
