import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { messageOf } from '../api/message-of.ts';
import { counted } from '../api/words.ts';
import { fieldsOf } from '../kube/calls/json.ts';
import { checkText, type Finding } from './check/check.ts';
import { createSchemaCheck } from './check/schema.ts';

interface FileFinding extends Finding {
  readonly file: string;
}

/** `multinic check`: manifests, before they are applied. */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'judge manifests before they are applied: schema and gate, all problems at once, no cluster needed; status 1 when there is one',
    )
    .argument('<file...>', 'YAML or JSON files; - for standard input')
    .option('--json', 'print one JSON object instead')
    .action((files: string[], flags: { json?: true }) => {
      const schema = createSchemaCheck();
      const findings = files.flatMap((file) => checkText(read(file), schema).map((finding) => ({ ...finding, file })));
      const problems = findings.reduce((sum, finding) => sum + finding.problems.length, 0);
      process.stdout.write(flags.json ? `${JSON.stringify({ problems, findings })}\n` : forPeople(findings, problems));
      if (problems > 0) process.exitCode = 1;
    });
}

/** @throws Error naming the file and what to do */
function read(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    const why = codes.get(String(fieldsOf(error)['code'])) ?? messageOf(error);
    throw new Error(`${file} cannot be read: ${why}`, { cause: error });
  }
}

const codes = new Map([
  ['ENOENT', 'there is no such file'],
  ['EISDIR', 'it is a folder: name its files, for example with *.yaml'],
  ['EACCES', 'permission denied'],
]);

function forPeople(findings: readonly FileFinding[], problems: number): string {
  const lines = findings.flatMap(({ file, object, foreign, problems: found }) => {
    if (foreign) return [`${file}: ${object}: not of multinic, not judged`];
    if (found.length === 0) return [`${file}: ${object}: ok`];
    return found.map(({ path, message }) => `${file}: ${object}: ${path === '' ? '' : `${path}: `}${message}`);
  });
  const judged = findings.filter(({ foreign }) => !foreign).length;
  return `${[...lines, `${judged} judged, ${counted(problems, 'problem')}`].join('\n')}\n`;
}
