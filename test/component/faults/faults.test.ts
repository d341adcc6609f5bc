import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { daemonPoints } from '../../faults/daemon-points.ts';
import { delegatePoints } from '../../faults/delegate-points.ts';
import { runEnginePoints } from '../../faults/engine-run.ts';
import { lentPoints } from '../../faults/lent-points.ts';
import { scenes } from '../../faults/scenes.ts';
import { runShimPoints } from '../../faults/shim-points.ts';

/** All of them run in `npm run faults`; the daemon's, many times over, in kill.test.ts. */
test('a delegate is killed, the daemon is started anew, DEL: nothing is left', async () => {
  const some = [
    ...daemonPoints(scenes.direct).slice(-1),
    ...daemonPoints(scenes.bySource).filter(({ name }) => name === 'ADD at add:before-finish'),
    ...delegatePoints().filter((_point, index) => index % 4 === 1),
    ...lentPoints().filter((_point, index) => index % 8 === 4),
  ];
  const outcomes = await runEnginePoints(some);
  expect(outcomes.filter(({ left }) => left.length > 0)).toEqual([]);
  expect(outcomes.length).toBeGreaterThan(4);
});

test('what is left is found: a link, its address, a rule, a route', async () => {
  const [outcome] = await runEnginePoints(daemonPoints(scenes.chain).slice(0, 1), {
    beforeLook({ world, netns }) {
      world.namespaces.ip(netns, 'link', 'add', 'left', 'type', 'veth');
      world.namespaces.ip(netns, 'address', 'add', '10.9.9.9/24', 'dev', 'left');
      world.namespaces.ip(netns, 'rule', 'add', 'from', '10.9.9.9', 'lookup', '77');
      world.namespaces.ip(netns, 'route', 'add', 'blackhole', '10.8.0.0/16', 'table', '77');
    },
  });
  const left = outcome?.left.join('\n') ?? '';
  for (const thing of ['link left', 'address', 'rule 4', 'route 4']) expect(left).toContain(`pod: ${thing}`);
});

test('the shim is killed: nothing is left, in the spool neither', async () => {
  const root = mkdtempSync(join(tmpdir(), 'multinic-faults-'));
  try {
    const outcomes = await runShimPoints(root);
    expect(outcomes.filter(({ left }) => left.length > 0)).toEqual([]);
    expect(outcomes).toHaveLength(6);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
