import { describe, expect, it } from 'vitest';
import { CniError } from '../../../src/api/cni-error.ts';
import { parseCall } from '../../../src/cni/call.ts';
import type { ContainerCall } from '../../../src/cni/types.ts';
import { config, rawCall, stamp } from './raw-call.ts';

function refusal(variables: Record<string, string | undefined>, stdin?: unknown): CniError {
  try {
    parseCall(rawCall(variables, stdin));
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

function accepted(variables: Record<string, string | undefined> = {}, stdin?: unknown): ContainerCall {
  const call = parseCall(rawCall(variables, stdin));
  if (!('key' in call)) throw new Error(`is ${call.verb}`);
  return call;
}

describe('a good call', () => {
  it('is an ADD with everything that it said', () => {
    expect(accepted({ CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_UID=u-1' })).toEqual({
      verb: 'ADD',
      key: { network: 'multi-net', containerID: 'c0ffee', ifname: 'net1' },
      netns: '/run/netns/pod-1',
      pod: { namespace: 'ns', name: 'pod', uid: 'u-1' },
      path: ['/opt/cni/bin'],
      args: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=ns;K8S_POD_NAME=pod;K8S_POD_UID=u-1',
      conf: {
        cniVersion: '1.0.0',
        name: 'multi-net',
        type: 'multi-nic',
        plugin: config.plugin,
        ipam: config.ipam,
        dns: {},
        request: { ips: [] },
      },
      stamp,
    });
  });

  it('may have unknown keys, and those that Multus and the predecessor add', () => {
    const extra = {
      deviceID: '0000:08:00.0',
      pciBusID: 'x',
      capabilities: { ips: true },
      daemonIP: '',
      masterNets: null,
    };
    expect(accepted({}, { ...config, ...extra, args: { other: 1 }, runtimeConfig: null }).conf.request.ips).toEqual([]);
  });

  it('takes the override of the netns check from the environment', () => {
    expect(accepted().netnsOverride).toBeUndefined();
    expect(accepted({ CNI_NETNS_OVERRIDE: 'TRUE' }).netnsOverride).toBe(true);
  });

  it('is a GC with what is valid, from either key of libcni', () => {
    const list = [{ containerID: 'a', ifname: 'net1' }];
    for (const key of ['cni.dev/valid-attachments', 'cni.dev/attachments']) {
      const call = parseCall(rawCall({ CNI_COMMAND: 'GC' }, { ...config, cniVersion: '1.1.0', [key]: list }));
      expect(call.conf.validAttachments).toEqual(list);
    }
    const untold = parseCall(rawCall({ CNI_COMMAND: 'GC' }, { ...config, cniVersion: '1.1.0' }));
    expect(untold.conf.validAttachments).toBeUndefined();
    const none = { ...config, cniVersion: '1.1.0', 'cni.dev/valid-attachments': [] };
    expect(parseCall(rawCall({ CNI_COMMAND: 'GC' }, none)).conf.validAttachments).toEqual([]);
  });
});

describe('environment (code 4)', () => {
  const needed = {
    ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
    CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_PATH'],
    DEL: ['CNI_CONTAINERID', 'CNI_IFNAME', 'CNI_PATH'],
    GC: ['CNI_PATH'],
    STATUS: ['CNI_PATH'],
  };

  it.each(Object.entries(needed))('%s names every missing variable in one message', (verb, names) => {
    const nothing = { CNI_CONTAINERID: undefined, CNI_NETNS: undefined, CNI_IFNAME: '', CNI_PATH: undefined };
    const error = refusal({ CNI_COMMAND: verb, ...nothing });
    expect(error.code).toBe(4);
    expect(error.message.split(': ')[1]?.split(', ')).toEqual(names);
    for (const name of names) expect(refusal({ CNI_COMMAND: verb, [name]: undefined }).message).toMatch(`: ${name}`);
  });

  it('DEL needs no netns', () => {
    expect(accepted({ CNI_COMMAND: 'DEL', CNI_NETNS: undefined }).netns).toBe('');
    expect(accepted({ CNI_COMMAND: 'DEL', CNI_NETNS: '' }).netns).toBe('');
  });

  it.each(['', undefined, 'FROB', 'add', 'VERSION', '__proto__', 'toString'])('refuses CNI_COMMAND %j', (command) => {
    expect(refusal({ CNI_COMMAND: command }).code).toBe(4);
  });

  it.each(['a/b', '-a', '.a', 'a b', 'ä', 'a\n'])('refuses container id %j', (id) => {
    expect(refusal({ CNI_CONTAINERID: id })).toMatchObject({
      code: 4,
      message: expect.stringMatching('CNI_CONTAINERID'),
    });
  });

  it.each(['abcdefghijklmnop', '.', '..', 'a/b', 'a:b', 'a b', 'a\tb', 'a\u00a0b', 'ääääääää'])(
    'refuses ifname %j',
    (ifname) => {
      expect(refusal({ CNI_IFNAME: ifname })).toMatchObject({ code: 4, message: expect.stringMatching('CNI_IFNAME') });
    },
  );

  it('takes an ifname of 15 bytes', () => {
    expect(accepted({ CNI_IFNAME: 'abcdefghijklmno' }).key.ifname).toBe('abcdefghijklmno');
  });

  it('splits CNI_PATH and refuses relative directories, which DEL passes over', () => {
    expect(accepted({ CNI_PATH: '/a::/b/c:' }).path).toEqual(['/a', '/b/c']);
    expect(refusal({ CNI_PATH: '/a:bin' })).toMatchObject({ code: 4, message: expect.stringMatching('"bin"') });
    expect(accepted({ CNI_COMMAND: 'DEL', CNI_PATH: '/a:bin' }).path).toEqual(['/a']);
  });

  it('is judged before the configuration', () => {
    expect(refusal({ CNI_IFNAME: '..' }, 'rubbish').code).toBe(4);
  });
});

describe('CNI_ARGS', () => {
  const ignoring = (rest: string) => ({ CNI_ARGS: `IgnoreUnknown=1;${rest}` });

  it('keeps IP, MAC and GATEWAY from delegates and leaves the rest as it was', () => {
    const call = accepted(ignoring('IP=10.0.0.5,10.0.1.5;MAC=02:00:00:00:00:01;A=b=c;GATEWAY=10.0.0.1;K8S_POD_NAME=p'));
    expect(call.args).toBe('IgnoreUnknown=1;A=b=c;K8S_POD_NAME=p');
    expect(call.conf.request.ips).toEqual(['10.0.0.5', '10.0.1.5']);
  });

  it('refuses unknown keys unless they are to be ignored', () => {
    expect(refusal({ CNI_ARGS: 'A=1;B=2;IP=10.0.0.1' })).toMatchObject({
      code: 4,
      message: expect.stringMatching('"A", "B"'),
    });
    expect(accepted({ CNI_ARGS: 'A=1;IgnoreUnknown=true' }).args).toBe('A=1;IgnoreUnknown=true');
    expect(refusal({ CNI_ARGS: 'A=1;IgnoreUnknown=0' }).code).toBe(4);
    expect(refusal({ CNI_ARGS: 'IgnoreUnknown=maybe' }).code).toBe(4);
    expect(refusal({ CNI_ARGS: 'novalue' }).code).toBe(4);
  });

  it('refuses an IP that is none, naming it', () => {
    expect(refusal(ignoring('IP=10.0.0.300'))).toMatchObject({ code: 4, message: expect.stringMatching('10.0.0.300') });
  });

  it('never stops a DEL', () => {
    const call = accepted({
      CNI_COMMAND: 'DEL',
      CNI_ARGS: ';;novalue;IP=rubbish;A=1;IgnoreUnknown=maybe;K8S_POD_UID=u',
    });
    expect(call).toMatchObject({ args: 'novalue;A=1;IgnoreUnknown=maybe;K8S_POD_UID=u', pod: { uid: 'u' } });
  });
});

describe('configuration', () => {
  it.each(['', 'nonsense', '{', '\ufeff{}', '[]', '3', 'null', '"x"', '['.repeat(100_000), '{"a":'.repeat(200)])(
    'is undecodable (6): %.20s',
    (stdin) => {
      expect(refusal({}, stdin).code).toBe(6);
      expect(refusal({ CNI_COMMAND: 'DEL' }, stdin).code).toBe(6);
    },
  );

  it.each([undefined, null, '', '-a', 'a/b', 'a b', 3, {}])('has no good name (7): %j', (name) => {
    expect(refusal({}, { ...config, name }).code).toBe(7);
  });

  it.each([undefined, null, '', '9.9.9', '0.2.0', '0.1.0', '1.1', 1.1, []])(
    'has no known version (1): %j',
    (version) => {
      const error = refusal({}, { ...config, cniVersion: version });
      expect(error.code).toBe(1);
      expect(error.details).toMatch('0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0');
    },
  );

  it.each([
    ['CHECK', '0.3.1', 1],
    ['CHECK', '0.4.0', 7],
    ['GC', '1.0.0', 1],
    ['STATUS', '1.0.0', 1],
  ])('%s at %s is code %i', (verb, cniVersion, expected) => {
    expect(refusal({ CNI_COMMAND: verb }, { ...config, cniVersion }).code).toBe(expected);
  });

  it.each(['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'])('ADD and DEL at %s', (cniVersion) => {
    expect(accepted({}, { ...config, cniVersion }).conf.cniVersion).toBe(cniVersion);
    expect(accepted({ CNI_COMMAND: 'DEL' }, { ...config, cniVersion }).conf.cniVersion).toBe(cniVersion);
  });

  it('names every wrong type with its path at once', () => {
    const bad = {
      ...config,
      type: 7,
      plugin: 'ipvlan',
      ipam: [],
      dns: 1,
      args: { cni: { nics: -1, masters: ['eth1', 2, ''], class: [], target: {}, ips: ['10.0.0.999'] } },
      runtimeConfig: { ips: 'x' },
      prevResult: { interfaces: [{ name: 1 }] },
    };
    const { message, code } = refusal({}, bad);
    expect(code).toBe(7);
    const paths = ['type', 'plugin', 'ipam', 'dns', 'prevResult.interfaces[0].name', 'runtimeConfig.ips'];
    const request = ['nics', 'masters[1]', 'masters[2]', 'class', 'target', 'ips[0]'].map((key) => `args.cni.${key}`);
    for (const path of [...paths, ...request]) expect(message).toMatch(`${path}: `);
    const call = accepted({ CNI_COMMAND: 'DEL' }, bad);
    expect(call.conf).toMatchObject({ type: '', plugin: {}, ipam: {}, request: { ips: [], masters: ['eth1'] } });
    expect(call.conf.prevResult).toBeUndefined();
  });

  it('half an entry of valid attachments stops a GC', () => {
    const list = [{ containerID: 'a' }];
    const error = refusal({ CNI_COMMAND: 'GC' }, { ...config, cniVersion: '1.1.0', 'cni.dev/valid-attachments': list });
    expect(error).toMatchObject({ code: 7, message: expect.stringMatching('valid-attachments\\[0\\]') });
    const text = { ...config, cniVersion: '1.1.0', 'cni.dev/valid-attachments': 'a' };
    expect(refusal({ CNI_COMMAND: 'GC' }, text).code).toBe(7);
  });

  it('cuts long values in messages', () => {
    expect(refusal({}, { ...config, name: '/'.repeat(10_000) }).message.length).toBeLessThan(400);
    expect(refusal({ CNI_COMMAND: 'x'.repeat(10_000) }).message.length).toBeLessThan(400);
  });
});

describe('what the pod asks for', () => {
  it('comes from args.cni', () => {
    const cni = { nics: 2, masters: ['eth1', 'eth2'], class: 'fast', target: '10Gbps', other: true };
    const { request } = accepted({}, { ...config, args: { cni } }).conf;
    expect(request).toEqual({ nics: 2, masters: ['eth1', 'eth2'], class: 'fast', target: '10Gbps', ips: [] });
  });

  it('0 NICs, empty lists and nulls mean all', () => {
    const cni = { nics: 0, masters: [], class: '', target: null, ips: null };
    expect(accepted({}, { ...config, args: { cni } }).conf.request).toEqual({ ips: [] });
  });

  it('takes addresses from all three ways, each once, in the form that came first', () => {
    const sent = {
      ...config,
      args: { cni: { ips: ['10.0.0.5/24', 'fd00::5'] } },
      runtimeConfig: { ips: ['10.0.0.5', '10.0.1.6'] },
    };
    const call = accepted({ CNI_ARGS: 'IgnoreUnknown=1;IP=10.0.1.6/16,10.0.2.7,fd00:0::5' }, sent);
    expect(call.conf.request.ips).toEqual(['10.0.0.5/24', 'fd00::5', '10.0.1.6', '10.0.2.7']);
  });

  const macsOf = (cni: object, runtimeConfig: object = {}, CNI_ARGS = 'IgnoreUnknown=1') =>
    accepted({ CNI_ARGS }, { ...config, args: { cni }, runtimeConfig }).conf.request.macs;

  it('takes the MAC of the first interface from all three ways, those of the others from macs', () => {
    const mac = '02:00:5e:00:00:01';
    expect(macsOf({})).toBeUndefined();
    expect(macsOf({ mac: mac.toUpperCase() })).toEqual([mac]);
    expect(macsOf({}, { mac })).toEqual([mac]);
    expect(macsOf({}, { mac }, `IgnoreUnknown=1;MAC=${mac}`)).toEqual([mac]);
    expect(macsOf({ macs: ['', '02-00-5e-00-00-02'] }, {}, `MAC=${mac}`)).toEqual([mac, '02:00:5e:00:00:02']);
  });

  it.each([
    [{ macs: ['02:00:5e:00:00:01'] }, { mac: '02:00:5e:00:00:02' }, 'runtimeConfig.mac: the pod asks for MAC'],
    [{ macs: ['02:00:5e:00:00:01', '02:00:5e:00:00:01'] }, {}, 'args.cni.macs: has 02:00:5e:00:00:01 twice'],
    [{ mac: '03:00:5e:00:00:01' }, {}, 'args.cni.mac: 03:00:5e:00:00:01 is no MAC address of one interface'],
    [{ mac: '00:00:00:00:00:00' }, {}, 'args.cni.mac: 00:00:00:00:00:00 is no MAC address of one interface'],
    [{ macs: ['x'] }, {}, 'args.cni.macs[0]: "x" is no MAC address'],
  ])('refuses MACs %j %j', (cni, runtimeConfig, message) => {
    expect(refusal({}, { ...config, args: { cni }, runtimeConfig }).message).toContain(message);
  });

  it('refuses a MAC in CNI_ARGS that is none, but for DEL', () => {
    const sent = { CNI_ARGS: 'IgnoreUnknown=1;MAC=nonsense' };
    expect(refusal(sent, config)).toMatchObject({ code: 4 });
    expect(accepted({ ...sent, CNI_COMMAND: 'DEL' }, config).verb).toBe('DEL');
  });
});

describe('called as multi-nic-ipam by another plugin', () => {
  const byMacvlan = (verb: string, more: Record<string, unknown> = {}) => ({
    ...rawCall(
      { CNI_COMMAND: verb },
      { ...config, cniVersion: '1.1.0', type: 'macvlan', prevResult: { cniVersion: '1.1.0' }, ...more },
    ),
    program: 'multi-nic-ipam',
  });

  it('addresses are for the network of ipam.network on the NIC of ipam.master, under a key that no interface has', () => {
    const call = parseCall(byMacvlan('ADD', { master: 'eth1', ipam: { network: 'other', master: 'eth2' } }));
    expect(call).toMatchObject({
      verb: 'ADD',
      key: { network: 'other', ifname: 'ipam:multi-net:net1' },
      ipamOf: { network: 'other', master: 'eth2' },
    });
    expect(parseCall(byMacvlan('CHECK', { master: 'eth1' }))).toMatchObject({
      key: { network: 'multi-net' },
      ipamOf: { network: 'multi-net', master: 'eth1' },
    });
    expect(parseCall(byMacvlan('STATUS'))).toMatchObject({ verb: 'STATUS', ipamOf: { network: 'multi-net' } });
  });

  it('what is wrong is named; DEL passes over it', () => {
    const wrong = { type: 'multi-nic-ipam', ipam: { network: 'a/b', master: 1 } };
    expect(() => parseCall(byMacvlan('ADD', wrong))).toThrow(/ipam\.network.*ipam\.master.*name it in ipam\.type/);
    expect(parseCall(byMacvlan('DEL', wrong))).toMatchObject({ key: { network: 'multi-net' } });
  });
});
