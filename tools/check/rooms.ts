import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { thinShells } from './import-rules.ts';

/** What the text of some files must not hold. */
interface Rule {
  readonly files: string;
  readonly except: readonly string[];
  readonly pattern: RegExp;
  readonly why: string;
}

const pure = 'src/{net,api,ipam,policy,delegates,hostroute,cni}/**/*.ts';

export const rules: readonly Rule[] = [
  {
    files: 'src/**/*.ts',
    except: ['src/kernel/**'],
    pattern: /(?:spawn|exec|run)\w*\(\s*['"`](?:\/\w+)*\/?ip['"`]/i,
    why: 'only src/kernel runs `ip`',
  },
  {
    files: 'src/**/*.ts',
    except: ['src/kernel/**'],
    pattern: /['"`]\/sys\//,
    why: 'only src/kernel reads /sys',
  },
  {
    files: pure,
    except: thinShells,
    pattern:
      /\b(?:Date\.now|Math\.random|randomUUID|randomBytes|performance\.now|setTimeout|setInterval)\(|\bnew Date\(\)|(?<!\/)\bprocess\.|\bconsole\./,
    why: 'pure folders have no clock, randomness, environment or output: take it as an argument',
  },
  {
    files: pure,
    except: thinShells,
    pattern: /(?<!import \{ isIP \}) from 'node:net'|(?<!import \{ (?:createHash|hash) \}) from 'node:crypto'/,
    why: 'pure folders take isIP from node:net, createHash and hash from node:crypto, and nothing else of node',
  },
  {
    files: '{src,test,bench,tools,docs,examples,deploy,crds}/**/*',
    except: ['tools/check/rooms.ts'],
    pattern: /\/work\/|\.\.\/shared\//,
    why: 'no path of one machine',
  },
];

/** `file:line: why` for each breach of a rule in one file's text. */
export function breaches(path: string, text: string, rule: Rule): string[] {
  return text.split('\n').flatMap((line, at) => {
    const comment = /^\s*(?:\/\/|\*|\/\*)/.test(line);
    return !comment && rule.pattern.test(line) ? [`${path}:${at + 1}: ${rule.why}`] : [];
  });
}

function main(): void {
  const root = join(import.meta.dirname, '../..');
  const found = rules.flatMap((rule) =>
    globSync(rule.files, { cwd: root, exclude: rule.except, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .flatMap((path) => breaches(path.slice(root.length + 1), readFileSync(path, 'utf8'), rule)),
  );
  for (const line of found) console.log(line);
  if (found.length > 0) process.exitCode = 1;
}

if (import.meta.main) main();
