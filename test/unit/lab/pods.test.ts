import { describe, expect, test } from 'vitest';
import { parseNetworks } from '../../../src/lab/pods/annotation.ts';
import { attachmentConfig, callEnvironment, takesPrevResult } from '../../../src/lab/pods/config.ts';
import { networkStatus } from '../../../src/lab/pods/status.ts';

describe('the annotation k8s.v1.cni.cncf.io/networks', () => {
  test('words: namespace and interface are optional, names count up', () => {
    expect(parseNetworks('a, other/b@fast0,c', 'mine')).toEqual([
      { namespace: 'mine', name: 'a', ifname: 'net1', ips: [] },
      { namespace: 'other', name: 'b', ifname: 'fast0', ips: [] },
      { namespace: 'mine', name: 'c', ifname: 'net3', ips: [] },
    ]);
  });

  test('a JSON list with all that the lab passes on', () => {
    const text = JSON.stringify([
      { name: 'a', namespace: 'other', interface: 'fast0', ips: ['10.0.0.7/24'], mac: '02:00:00:00:00:01' },
      { name: 'b', 'cni-args': { nics: 2 } },
    ]);
    expect(parseNetworks(text, 'mine')).toEqual([
      { namespace: 'other', name: 'a', ifname: 'fast0', ips: ['10.0.0.7/24'], mac: '02:00:00:00:00:01' },
      { namespace: 'mine', name: 'b', ifname: 'net2', ips: [], cniArgs: { nics: 2 } },
    ]);
  });

  test.each(['', 'a@waytoolonginterface', 'A', '[{"name":1}]', '[7]', '[{"name":"a","ips":"10.0.0.1"}]', 'a,,b'])(
    'refuses %j',
    (text) => {
      expect(() => parseNetworks(text, 'mine')).toThrow('k8s.v1.cni.cncf.io/networks');
    },
  );
});

const request = { namespace: 'default', name: 'net', ifname: 'net1', ips: [] };

describe('what a plugin is called with', () => {
  test('the name is put in when missing, and only then', () => {
    expect(attachmentConfig('{"cniVersion":"1.0.0","type":"multi-nic"}', request).json).toEqual({
      cniVersion: '1.0.0',
      type: 'multi-nic',
      name: 'net',
    });
    expect(attachmentConfig('{"cniVersion":"1.0.0","type":"multi-nic","name":"own"}', request).name).toBe('own');
  });

  test('cni-args join args.cni, theirs win', () => {
    const text = '{"cniVersion":"1.0.0","type":"x","args":{"other":1,"cni":{"a":1,"b":1}}}';
    const { json } = attachmentConfig(text, { ...request, cniArgs: { b: 2 } });
    expect(json['args']).toEqual({ other: 1, cni: { a: 1, b: 2 } });
  });

  test('addresses reach runtimeConfig only by a declared capability, CNI_ARGS always', () => {
    const asking = { ...request, ips: ['10.0.0.7/24'], mac: '02:00:00:00:00:01' };
    expect(attachmentConfig('{"type":"x"}', asking).json['runtimeConfig']).toBeUndefined();
    const declared = attachmentConfig('{"type":"x","capabilities":{"ips":true}}', asking);
    expect(declared.json['runtimeConfig']).toEqual({ ips: ['10.0.0.7/24'] });
    const sandbox = { namespace: 'default', pod: 'p', uid: 'u', containerID: 'c', netns: '/var/run/netns/cni-1' };
    expect(callEnvironment('ADD', sandbox, asking, '/opt/cni/bin')).toEqual({
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: 'c',
      CNI_NETNS: '/var/run/netns/cni-1',
      CNI_IFNAME: 'net1',
      CNI_ARGS:
        'IgnoreUnknown=true;K8S_POD_NAMESPACE=default;K8S_POD_NAME=p;K8S_POD_INFRA_CONTAINER_ID=c;K8S_POD_UID=u;MAC=02:00:00:00:00:01;IP=10.0.0.7/24',
      CNI_PATH: '/opt/cni/bin',
    });
  });

  test('a list of plugins is refused by name', () => {
    expect(() => attachmentConfig('{"plugins":[]}', request)).toThrow('default/net');
  });

  test.each([
    ['0.3.0', false],
    ['0.3.1', false],
    ['0.4.0', true],
    ['1.0.0', true],
    ['1.1.0', true],
  ])('DEL of %s gets prevResult: %s', (version, expected) => {
    expect(takesPrevResult(version)).toBe(expected);
  });
});

describe('network-status', () => {
  const link = (name: string, sandbox?: string) => ({
    name,
    mac: `mac-${name}`,
    ...(sandbox !== undefined && { sandbox }),
  });

  test('one entry for each interface in the pod, with the addresses of its own', () => {
    const status = networkStatus('default/net', {
      interfaces: [link('host'), link('net1', '/ns'), link('net1-1', '/ns')],
      ips: [
        { address: '10.0.0.2/24', interface: 1 },
        { address: '10.0.1.2/24', interface: 2 },
        { address: 'fd00::2/64', interface: 2 },
        { address: '10.0.2.2/24' },
      ],
      routes: [
        { dst: '0.0.0.0/0', gw: '10.0.0.1' },
        { dst: '10.9.0.0/16', gw: '10.0.0.9' },
      ],
      dns: {},
    });
    expect(status).toEqual([
      { name: 'default/net', interface: 'net1', ips: ['10.0.0.2'], mac: 'mac-net1', dns: {}, gateway: ['10.0.0.1'] },
      {
        name: 'default/net',
        interface: 'net1-1',
        ips: ['10.0.1.2', 'fd00::2', '10.0.2.2'],
        mac: 'mac-net1-1',
        dns: {},
        gateway: ['10.0.0.1'],
      },
    ]);
  });

  test('a result with exactly one interface gives one entry with all addresses', () => {
    const ips = [{ address: '10.0.0.2/24' }, { address: 'fd00::2/64', interface: 0 }];
    const [entry, ...more] = networkStatus('default/net', { interfaces: [link('net1')], ips, routes: [], dns: {} });
    expect(entry?.ips).toEqual(['10.0.0.2', 'fd00::2']);
    expect(more).toEqual([]);
  });
});
