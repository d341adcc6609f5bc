import { describe, expect, it } from 'vitest';
import { documentedBlocks, shellBlocks } from '../../support/doc-commands.ts';

const recorded =
  'test/component/conformance runs --record on a part, test/unit/tools makes the tables of what was recorded';

/** Commands in blocks that test/component/docs does not run, and what runs them instead. */
const runElsewhere = new Map([
  ['npm test', 'this run'],
  ['npm run check', '.ci/run'],
  ['npm run format', 'check runs the same tool'],
  ['npm run generate', 'test/unit/tools/generated.test.ts runs the generators'],
  ['npm run demo', 'test/component/lab runs the lab with its default size'],
  ['npm run demo -- --keep', 'test/component/lab'],
  ['npm run demo -- --hosts 5 --nics 8 --pods 4', 'test/component/lab runs the lab with options'],
  ['npm run demo -- --plugin ipvlan --mode l3', 'test/component/lab runs the lab with options'],
  ['npm run lab:clean', 'test/component/lab'],
  ['npm run bench', 'test/component/docs runs a part of it'],
  ['npm run conformance', 'test/component/conformance runs the whole suite'],
  [
    'npm run conformance -- --plugin /usr/lib/cni/macvlan --config test/conformance/peers/macvlan.json',
    'test/component/conformance runs it on a part',
  ],
  ['npm run conformance -- --record test/conformance/recorded/ours-macvlan.json', recorded],
  ['npm run conformance -- --uml --record test/conformance/recorded/ours-ipvlan.json', recorded],
  ...['', ' --serial'].flatMap((serial) =>
    ['macvlan', 'bridge', 'host-device'].map((peer): [string, string] => [
      `npm run conformance --${serial} --plugin /usr/lib/cni/${peer} --config test/conformance/peers/${peer}.json --release '1.1.1 (Debian 12)' --record test/conformance/recorded/${peer}.json`,
      recorded,
    ]),
  ),
  ['npx vitest run test/unit/net', 'npm test runs all of them'],
]);

describe('commands in the documentation', () => {
  const blocks = documentedBlocks();

  it('are there', () => {
    expect(blocks.flatMap((block) => block.commands)).toEqual(expect.arrayContaining(['npm run demo', 'npm test']));
  });

  it('are each run by a test', () => {
    const strangers = blocks
      .filter((block) => !block.run)
      .flatMap((block) =>
        block.commands.filter((command) => !runElsewhere.has(command)).map((command) => `${block.place}: ${command}`),
      );
    expect(strangers).toEqual([]);
  });

  it('are found with their marks', () => {
    const text = 'a\n```sh run\n# why\nls\n\nid\n```\n```sh\npwd\n```\n```json\n{}\n```\n';
    expect(shellBlocks('x.md', text)).toEqual([
      { place: 'x.md:3', run: true, commands: ['ls', 'id'] },
      { place: 'x.md:9', run: false, commands: ['pwd'] },
    ]);
  });
});
