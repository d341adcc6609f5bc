import { join } from 'node:path';
import type { Report } from '../report.ts';
import { ratio, round, spread } from '../statistics.ts';
import { compile, root, time } from '../timed/timed.ts';

const warmUp = 20;

/** Start to exit of the shim answering VERSION, against an empty static program compiled the same way. */
export async function benchShim(rounds: number): Promise<Report> {
  const timed = compile('timed');
  const call = { timed, env: { CNI_COMMAND: 'VERSION' }, stdin: '{"cniVersion":"1.1.0"}' };
  const programs = [join(root, 'build/shim/multi-nic'), compile('empty')] as const;
  const times = Array.from({ length: rounds + warmUp }, () => programs.map((program) => time({ ...call, program })));
  const [ours = [], peer = []] = [0, 1].map((column) => times.slice(warmUp).map((pair) => pair[column] ?? Number.NaN));
  const [shim, empty] = [spread(ours), spread(peer)];
  return {
    title: 'shim: VERSION, start to exit',
    rows: [
      { name: 'multi-nic', ms: shim, ratio: ratio(ours, peer) },
      { name: 'empty static program', ms: empty },
    ],
    json: { shim: { ms: round(shim.median), emptyMs: round(empty.median), ratioToEmpty: round(ratio(ours, peer)) } },
  };
}
