import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type MultiNicNetwork, multiNicNetwork } from '../../../src/api/kinds/multinicnetwork.ts';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { formatPrefix } from '../../../src/net/prefix.ts';

const root = join(import.meta.dirname, '../../../examples');
const read = (path: string): unknown => parse(readFileSync(join(root, path), 'utf8'));
const networks = globSync('*/network.yaml', { cwd: root }).toSorted();
const pods = globSync('*/pod.yaml', { cwd: root }).toSorted();
const allowsOnlyKnownFields = new Ajv({ strict: false }).compile<MultiNicNetwork['spec']>(multiNicNetwork.spec);

function network(path: string): MultiNicNetwork {
  const object: MultiNicNetwork = parse(readFileSync(join(root, path), 'utf8'));
  expect(allowsOnlyKnownFields(object.spec), JSON.stringify(allowsOnlyKnownFields.errors)).toBe(true);
  return object;
}

describe('examples', () => {
  it.each(networks)('%s passes schema and gate', (path) => {
    expect(parseNetwork(network(path))).toMatchObject({ ok: true });
  });

  it.each(pods)('%s asks for the network beside it', (path) => {
    const { name } = network(join(dirname(path), 'network.yaml')).metadata;
    expect(JSON.stringify(read(path))).toContain(name);
    expect(read(path)).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  });

  it('the quick start is the one that the predecessor published', () => {
    const parsed = parseNetwork(network('quickstart/network.yaml'));
    expect(parsed).toMatchObject({
      ok: true,
      value: {
        name: 'multi-nic-sample',
        cniVersion: '0.3.0',
        pluginType: 'ipvlan',
        binding: 'master',
        mode: 'l3',
        routed: true,
        hostBlock: 6,
        interfaceBlock: 2,
        strategy: 'none',
        masterNets: [],
        namespaces: [],
      },
    });
    expect(parsed.ok && parsed.value.subnets.map(formatPrefix)).toEqual(['192.168.0.0/16']);
  });

  it('an unknown field is refused', () => {
    expect(allowsOnlyKnownFields({ plugin: { cniVersion: '1.0.0', type: 'ipvlan' }, subnte: '10.0.0.0/8' })).toBe(
      false,
    );
  });
});
