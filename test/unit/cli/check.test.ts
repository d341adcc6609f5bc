import { describe, expect, it } from 'vitest';
import { checkText } from '../../../src/cli/check/check.ts';
import { createSchemaCheck } from '../../../src/cli/check/schema.ts';

const schema = createSchemaCheck();
const check = (text: string) => checkText(text, schema);
const problems = (text: string) => check(text).flatMap((finding) => finding.problems);

function network(spec: string): string {
  return `apiVersion: multinic.fms.io/v1\nkind: MultiNicNetwork\nmetadata:\n  name: net-a\nspec:\n${spec}`;
}

const good = network(`  subnet: 192.168.0.0/16
  ipam: '{"type":"multi-nic-ipam","hostBlock":6,"interfaceBlock":2,"vlanMode":"l3"}'
  plugin: { cniVersion: "0.3.0", type: ipvlan, args: { mode: l3 } }
`);

describe('checkText', () => {
  it('finds nothing in a good network', () => {
    expect(check(good)).toEqual([{ object: 'MultiNicNetwork/net-a', foreign: false, problems: [] }]);
  });

  it('names every field that the schema refuses', () => {
    const text = network('  subnetz: 10.0.0.0/8\n  masterNets: 10.1.0.0/24\n  addressing: { hostBlock: 99 }\n');
    expect(problems(text)).toEqual(
      expect.arrayContaining([
        { path: 'spec.subnetz', message: expect.stringContaining('no such field') },
        { path: 'spec.plugin', message: 'is missing' },
        { path: 'spec.masterNets', message: 'must be array' },
        { path: 'spec.addressing.hostBlock', message: 'must be <= 31' },
      ]),
    );
  });

  it('goes on to the gate where the schema only misses fields, and says which field was probably meant', () => {
    const typed = good.replace(/ipam: .*/, 'addressing: { hostBlok: 6, interfaceBlock: 2 }');
    const text = typed.replace('subnet:', 'subnt:').replace('type: ipvlan', 'type: ipvlann, Args: {}, zzz: 1');
    expect(problems(text)).toEqual([
      { path: 'spec.subnt', message: 'no such field: did you mean subnet?' },
      { path: 'spec.addressing.hostBlok', message: 'no such field: did you mean hostBlock?' },
      { path: 'spec.plugin.Args', message: 'no such field: did you mean args?' },
      { path: 'spec.plugin.zzz', message: 'no such field: see docs/reference/fields.md' },
      { path: 'spec.subnet', message: expect.stringContaining('is missing') },
      { path: 'spec.plugin.type', message: expect.stringContaining('"ipvlann" is unknown') },
    ]);
  });

  it('names the values of an enum, and places in lists', () => {
    const text = network(
      '  subnets: [10.0.0.0/8, 7]\n  addressing: { vlanMode: l9 }\n  plugin: { cniVersion: "1.0.0", type: ipvlan }\n',
    );
    expect(problems(text)).toEqual([
      { path: 'spec.subnets[1]', message: 'must be string' },
      { path: 'spec.addressing.vlanMode', message: expect.stringContaining('(l2, l3, l3s)') },
    ]);
  });

  it('passes what fits the schema through the gate of the operator', () => {
    const found = problems(good.replace('192.168.0.0/16', '192.168.0.1/16').replace('"hostBlock":6', '"hostBlock":20'));
    expect(found.map(({ path }) => path)).toContain('spec.subnet');
  });

  it('judges each document, and leaves those of others alone', () => {
    const text = [good, 'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\n', '', '- 1\n', 'a: [\n'].join('---\n');
    expect(check(text)).toEqual([
      { object: 'MultiNicNetwork/net-a', foreign: false, problems: [] },
      { object: 'Pod/p', foreign: true, problems: [] },
      { object: 'document at line 14', foreign: false, problems: [{ path: '', message: 'is no Kubernetes object' }] },
      {
        object: 'document at line 16',
        foreign: false,
        problems: [{ path: '', message: expect.stringContaining('Flow') }],
      },
    ]);
  });

  it('judges each object of a List, as `kubectl get --output=json` gives them', () => {
    const item = (name: string, spec: object) => ({
      apiVersion: 'multinic.fms.io/v1',
      kind: 'MultiNicNetwork',
      metadata: { name },
      spec,
    });
    const plugin = { cniVersion: '1.0.0', type: 'macvlan' };
    const items = [item('a', { ipam: '{"type":"dhcp"}', plugin }), item('b', { plugin })];
    expect(check(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))).toMatchObject([
      { object: 'MultiNicNetwork/a', problems: [] },
      {
        object: 'MultiNicNetwork/b',
        problems: expect.arrayContaining([expect.objectContaining({ path: 'spec.addressing' })]),
      },
    ]);
  });

  it('knows its kinds, and wants a name', () => {
    expect(problems('apiVersion: multinic.fms.io/v1\nkind: Nic\n')).toEqual([
      { path: 'metadata.name', message: 'is missing' },
      { path: 'kind', message: expect.stringContaining('it has: MultiNicNetwork, HostInterface') },
    ]);
  });
});
