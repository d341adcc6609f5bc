import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { operatorCommand } from '../../../src/cli/operator.ts';
import { conditionTypes } from '../../../src/operator/status/conditions.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/operator.md'), 'utf8');
const section = (title: string): string => page.split(/^## /m).find((part) => part.startsWith(title)) ?? '';
const firstCells = (text: string): string[] =>
  [...text.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.*?)`/g)].map(([, name = '']) => name),
  );

describe('docs/operator.md', () => {
  it('has every flag of the command, and no others', () => {
    const flags = operatorCommand().options.map(({ long }) => long ?? '');
    expect(firstCells(section('Flags')).sort()).toEqual(flags.sort());
  });

  it('has every condition', () => {
    expect(firstCells(section('What it tells'))).toEqual([...conditionTypes, 'Ready']);
  });
});
