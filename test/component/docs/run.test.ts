import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { documentedBlocks, root } from '../../support/doc-commands.ts';

describe('documentation', () => {
  it.each(documentedBlocks().filter((block) => block.run))('$place runs as written', ({ commands }) => {
    const result = spawnSync('bash', ['-euo', 'pipefail', '-c', commands.join('\n')], { cwd: root, encoding: 'utf8' });
    expect(result.status, result.stderr).toBe(0);
  });
});
