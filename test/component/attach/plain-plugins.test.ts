import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildModules, NotBuiltError } from '../../e2e/control-plane/programs.ts';
import { ipvlanKernel, runThere } from '../../support/ipvlan-kernel.ts';

const plugins = ['tap', 'dummy'];

test('tap and dummy, the real plugins: ADD, CHECK and DEL with addresses of both families', {
  timeout: 600_000,
}, (ctx) => {
  const kernel = ipvlanKernel();
  if ('missing' in kernel) {
    ctx.skip(kernel.missing);
    return;
  }
  const folders = built();
  if (folders === undefined) {
    ctx.skip('no Go to build tap and dummy of containernetworking/plugins');
    return;
  }
  const words = plugins.map((name) => `${name}=${folders.get(name)}`);
  const program = fileURLToPath(new URL('../../support/attach/plain-plugins.ts', import.meta.url));
  const without = expect.stringContaining('address 10.');
  expect(runThere(kernel, program, words)).toEqual({
    tap: {
      links: ['net1 tun 10.0.1.1/24 fd00:0:1::1/64', 'net1-1 tun 10.0.2.1/24 fd00:0:2::1/64'],
      check: 'ok',
      checkWithout: without,
      left: 0,
    },
    dummy: {
      links: ['net1 dummy 10.1.1.1/24 fd00:1:1::1/64', 'net1-1 dummy 10.1.2.1/24 fd00:1:2::1/64'],
      check: 'ok',
      checkWithout: without,
      left: 0,
    },
  });
});

/** The folder of each; undefined without Go. */
function built(): ReadonlyMap<string, string> | undefined {
  try {
    return buildModules(plugins);
  } catch (error) {
    if (error instanceof NotBuiltError) return undefined;
    throw error;
  }
}
