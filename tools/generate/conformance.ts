import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConformanceRecord, readRecord } from '../../test/conformance/record.ts';
import { verdict } from '../../test/conformance/report.ts';
import { statements } from '../../test/conformance/statements/all.ts';
import type { GeneratedFile } from './file.ts';

const begin = '<!-- generated from test/conformance/recorded by npm run generate -->';
const end = '<!-- end of what is generated -->';
/** Files in recorded/, in the order of their columns. */
const columns = ['ours-macvlan', 'ours-ipvlan', 'macvlan', 'bridge', 'host-device'];

/** docs/conformance.md with its tables anew. @throws Error when the page has no place for them */
export function conformanceTables(root: string, page: string): GeneratedFile {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/conformance.md has no ${begin} … ${end}`);
  const folder = join(root, 'test/conformance/recorded');
  const there = globSync('*.json', { cwd: folder }).map((name) => name.replace('.json', ''));
  const unknown = there.find((name) => !columns.includes(name));
  if (unknown !== undefined)
    throw new Error(`recorded/${unknown}.json has no column: see tools/generate/conformance.ts`);
  const records = columns
    .filter((name) => there.includes(name))
    .map((name) => readRecord(readFileSync(join(folder, `${name}.json`), 'utf8')));
  return { path: 'docs/conformance.md', text: `${before}${begin}\n\n${tables(records)}\n\n${end}${after}` };
}

function tables(records: readonly ConformanceRecord[]): string {
  const count = (word: string) => (record: ConformanceRecord) =>
    record.findings.filter((finding) => verdict(finding) === word).length;
  const row = (title: string, cell: (record: ConformanceRecord) => string | number) =>
    `| ${[title, ...records.map(cell)].join(' | ')} |`;
  const totals = [
    row('', ({ name }) => name),
    `|---|${records.map(() => '---:|').join('')}`,
    row('release', ({ version }) => version),
    row('kernel', ({ kernel }) => kernel),
    row('tried on', ({ date }) => date),
    row('passed', count('pass')),
    row('failed', count('FAIL')),
    row('not applicable', count('n/a')),
  ];
  const names = records.map(({ name }) => name);
  const each = statements.map(({ id, title }) => {
    const cells = records.map(({ findings }) => {
      const finding = findings.find((one) => one.id === id);
      return finding === undefined ? '' : verdict(finding);
    });
    return `| ${id} | ${title} | ${cells.join(' | ')} |`;
  });
  const why = records.flatMap(({ name, findings }) => {
    const failed = findings.filter((finding) => verdict(finding) === 'FAIL');
    if (failed.length === 0) return [];
    return [
      '',
      `What ${name} fails, in the words of the checks:`,
      '',
      ...failed.map(({ id, detail }) => `- ${id}: \`${plain(detail)}\``),
    ];
  });
  const head = [`| | Statement | ${names.join(' | ')} |`, `|---:|---|${names.map(() => '---|').join('')}`];
  return [...totals, '', ...head, ...each, ...why].join('\n');
}

/** Without what differs from run to run, and what ends a code span. */
function plain(detail: string): string {
  return detail
    .replaceAll('`', "'")
    .replaceAll(/conf-[0-9a-f]{12}/g, 'POD')
    .replaceAll(/\/\S*\/trials\/[^\s/"\\]+/g, 'FOLDER');
}
