import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { MultiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import type { ApiRequest } from '../../../src/lab/cluster/api.ts';
import { daemonCalls } from '../../../src/lab/demo/calls.ts';
import { manifestFor, quickstart } from '../../../src/lab/demo/manifest.ts';
import { settle } from '../../../src/lab/demo/options.ts';
import { umlCommand } from '../../../src/lab/uml.ts';

const size = { hosts: 3, nics: 4, pods: 2 };

describe('plugin, mode and kernel', () => {
  test.each([
    [{}, true, 'ipvlan', 'l3', 'here'],
    [{}, false, 'macvlan', 'bridge', 'here'],
    [{ plugin: 'ipvlan' }, false, 'ipvlan', 'l3', 'uml'],
    [{ plugin: 'ipvlan', mode: 'l2' }, true, 'ipvlan', 'l2', 'here'],
    [{ mode: 'l2' }, false, 'ipvlan', 'l2', 'uml'],
    [{ mode: 'bridge' }, true, 'macvlan', 'bridge', 'here'],
    [{ plugin: 'macvlan' }, true, 'macvlan', 'bridge', 'here'],
  ] as const)('%j with ipvlan in the kernel %s', (asked, has, plugin, mode, where) => {
    expect(settle({ ...size, ...asked }, has)).toMatchObject({ plugin, mode, where });
  });

  test('says in one line that macvlan takes the place of ipvlan, and only when nobody chose it', () => {
    expect(settle(size, false).notice).toMatch(/^this kernel has no ipvlan[^\n]*macvlan[^\n]*$/);
    expect(settle({ ...size, plugin: 'macvlan' }, false).notice).toBeUndefined();
    expect(settle(size, true).notice).toBeUndefined();
  });

  test.each([
    { plugin: 'macvlan', mode: 'l3' },
    { plugin: 'ipvlan', mode: 'bridge' },
  ] as const)('refuses %j', (asked) => {
    expect(() => settle({ ...size, ...asked }, true)).toThrow(`--plugin ${asked.plugin} has no --mode ${asked.mode}`);
  });

  test('the other kernel is run by MULTINIC_UML, and its absence is an error that names it', () => {
    expect(() => umlCommand(['true'], { timeout: 1, memory: '1G' }, {})).toThrow('MULTINIC_UML');
    const { argv, env } = umlCommand(['node', 'x y'], { timeout: 9, memory: '1G' }, { MULTINIC_UML: '/bin/uml' });
    expect(argv[0]).toBe('/bin/uml');
    expect(argv.slice(-2)).toEqual(['node', 'x y']);
    expect(env).toMatchObject({ UMLTIMEOUT: '9', UMLMEM: '1G' });
    expect(env['UMLMODS']?.split(',')).toContain('ipvlan');
  });
});

describe('the manifest', () => {
  const root = join(import.meta.dirname, '../../..');

  test('ipvlan l3 with up to 4 NICs is the quick start, verbatim', () => {
    for (const nics of [1, 2, 3, 4]) {
      expect(manifestFor({ ...size, nics, plugin: 'ipvlan', mode: 'l3', where: 'here' })).toEqual({ file: quickstart });
    }
    expect(parse(readFileSync(join(root, quickstart), 'utf8'))).toMatchObject({ kind: 'MultiNicNetwork' });
  });

  test.each([
    [{ hosts: 3, nics: 4, pods: 2 }, 'macvlan', 'bridge'],
    [{ hosts: 5, nics: 8, pods: 4 }, 'macvlan', 'bridge'],
    [{ hosts: 5, nics: 8, pods: 4 }, 'ipvlan', 'l3'],
    [{ hosts: 3, nics: 4, pods: 2 }, 'ipvlan', 'l2'],
    [{ hosts: 50, nics: 16, pods: 10 }, 'macvlan', 'bridge'],
    [{ hosts: 200, nics: 16, pods: 100 }, 'ipvlan', 'l3'],
    [{ hosts: 1, nics: 1, pods: 1 }, 'macvlan', 'bridge'],
  ] as const)('%j, %s %s: bits for all of them, and the gate takes it', (counts, plugin, mode) => {
    const manifest = manifestFor({ ...counts, plugin, mode, where: 'here' });
    const parsed = gate(trusted<MultiNicNetwork>(parse('text' in manifest ? manifest.text : '')));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const network = parsed.value;
    expect(network).toMatchObject({ pluginType: plugin, mode, routed: mode === 'l3' });
    expect(2 ** network.interfaceBlock).toBeGreaterThanOrEqual(counts.nics);
    expect(2 ** network.hostBlock).toBeGreaterThanOrEqual(counts.hosts);
    const bits = 32 - (network.subnets[0]?.length ?? 32) - network.interfaceBlock - network.hostBlock;
    expect(2 ** bits).toBeGreaterThanOrEqual(counts.pods + 10);
  });

  test('says when no subnet is large enough', () => {
    expect(() =>
      manifestFor({ hosts: 200, nics: 200, pods: 200, plugin: 'macvlan', mode: 'bridge', where: 'here' }),
    ).toThrow('22 is the limit');
  });

  function gate(object: MultiNicNetwork): ReturnType<typeof parseNetwork> {
    const metadata = { uid: 'u', generation: 1, creationTimestamp: '2030-01-01T00:00:00Z' };
    return parseNetwork({ ...object, metadata: { ...object.metadata, ...metadata } });
  }
});

describe('calls of daemons', () => {
  const call = (over: Partial<ApiRequest>): ApiRequest => ({
    time: 100,
    user: 'daemon:host1',
    verb: 'get',
    resource: 'pods',
    subresource: '',
    namespace: '',
    name: 'p',
    code: 200,
    ...over,
  });
  const pool = { verb: 'update', resource: 'ippools.multinic.fms.io', subresource: 'status', name: 'a' };

  test('only those of daemons, only in the stretch, publishing apart', () => {
    const found = daemonCalls(
      [
        call({}),
        call({ time: 99 }),
        call({ time: 201 }),
        call({ user: 'operator' }),
        call({ user: 'admin' }),
        call({ verb: 'watch' }),
        call(pool),
        call({ verb: 'list', resource: 'ippools.multinic.fms.io' }),
        call({ verb: 'update', resource: 'hostinterfaces.multinic.fms.io' }),
      ],
      100,
      200,
    );
    expect(found.calls.map(({ verb }) => verb)).toEqual(['get', 'watch', 'list']);
    expect(found.publishWrites).toHaveLength(2);
    expect(found.tooOften).toEqual([]);
  });

  test('one write of a pool and one more for every 10 s are allowed', () => {
    const twice = [call(pool), call({ ...pool, time: 150 }), call({ ...pool, name: 'b' })];
    expect(daemonCalls(twice, 0, 9_000).tooOften).toEqual(['ippools.multinic.fms.io/a status']);
    expect(daemonCalls(twice, 0, 10_000).tooOften).toEqual([]);
  });
});
