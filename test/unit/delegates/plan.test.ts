import { describe, expect, test } from 'vitest';
import { supportedVersions } from '../../../src/cni/types.ts';
import { failureOf } from '../../../src/delegates/failure.ts';
import { type CallsInput, negotiate, planCalls } from '../../../src/delegates/plan.ts';
import { parseAddress } from '../../../src/net/address.ts';

const input: CallsInput = {
  network: 'net-a',
  cniVersion: '1.0.0',
  pluginType: 'ipvlan',
  binding: 'master',
  mode: 'l3',
  plugin: { cniVersion: '0.3.0', type: 'ipvlan', mode: 'l3' },
  nics: [
    { nic: 'eth1', ifname: 'net1', addresses: [{ address: parseAddress('192.168.1.7'), length: 18 }] },
    {
      nic: 'eth2',
      ifname: 'net1-1',
      addresses: [
        { address: parseAddress('192.168.65.7'), length: 18 },
        { address: parseAddress('fd00:1::7'), length: 50 },
      ],
    },
  ],
};

describe('planCalls', () => {
  test('one complete configuration per NIC', () => {
    expect(planCalls(input)).toEqual([
      {
        nic: 'eth1',
        ifname: 'net1',
        plugin: 'ipvlan',
        config: {
          cniVersion: '1.0.0',
          name: 'net-a',
          type: 'ipvlan',
          master: 'eth1',
          mode: 'l3',
          ipam: { type: 'static', addresses: [{ address: '192.168.1.7/18' }] },
        },
      },
      {
        nic: 'eth2',
        ifname: 'net1-1',
        plugin: 'ipvlan',
        config: {
          cniVersion: '1.0.0',
          name: 'net-a',
          type: 'ipvlan',
          master: 'eth2',
          mode: 'l3',
          ipam: { type: 'static', addresses: [{ address: '192.168.65.7/18' }, { address: 'fd00:1::7/50' }] },
        },
      },
    ]);
  });

  test.each([
    ['sriov', '0000:3b:02.1', 'sriov', { deviceID: '0000:3b:02.1' }],
    ['mellanox', '0000:3B:00.0', 'host-device', { pciBusID: '0000:3B:00.0' }],
    ['mellanox', 'mlx5_core.sf.2', 'host-device', { runtimeConfig: { deviceID: 'mlx5_core.sf.2' } }],
  ])('%s gets its device %s', (pluginType, device, plugin, keys) => {
    const { mode: _mode, ...rest } = input;
    const [first] = input.nics.map((nic) => ({ ...nic, device }));
    const nics = first === undefined ? [] : [first];
    const chain = [{ plugin: 'rdma', config: { type: 'rdma' }, cniVersion: '1.0.0' as const }];
    const given = {
      type: pluginType,
      vlan: 5,
      deviceID: 'of another',
      pciBusID: 'of another',
      runtimeConfig: { mac: 'x' },
    };
    expect(planCalls({ ...rest, pluginType, binding: 'deviceID', plugin: given, nics, chain })).toEqual([
      {
        nic: 'eth1',
        ifname: 'net1',
        device,
        plugin,
        config: {
          cniVersion: '1.0.0',
          name: 'net-a',
          type: plugin,
          vlan: 5,
          ...keys,
          ipam: { type: 'static', addresses: [{ address: '192.168.1.7/18' }] },
        },
        chain: [{ plugin: 'rdma', config: { type: 'rdma', cniVersion: '1.0.0', name: 'net-a', deviceID: device } }],
      },
    ]);
  });

  test('a plugin that is bound to no NIC gets no master and no mode, its typed keys as they are', () => {
    const { mode: _mode, ...rest } = input;
    const plugin = { type: 'bridge', bridge: 'br-pods', isGateway: false, vlan: 7 };
    const [call] = planCalls({ ...rest, pluginType: 'bridge', binding: 'none', plugin });
    expect(call).toEqual({
      nic: 'eth1',
      ifname: 'net1',
      plugin: 'bridge',
      config: {
        cniVersion: '1.0.0',
        name: 'net-a',
        type: 'bridge',
        bridge: 'br-pods',
        isGateway: false,
        vlan: 7,
        ipam: { type: 'static', addresses: [{ address: '192.168.1.7/18' }] },
      },
    });
  });

  test('what is the same for all NICs, or is decided here, does not leak from the network', () => {
    const plugin = {
      master: 'eth9',
      mode: 'l2',
      mac: '02:00:00:00:00:01',
      ips: ['10.0.0.1/8'],
      args: { cni: { ips: ['10.0.0.1/8'] } },
      runtimeConfig: { mac: '02:00:00:00:00:01', ips: ['10.0.0.1/8'] },
      prevResult: {},
      ipMasq: true,
      ipam: { type: 'host-local' },
      linkInContainer: true,
      name: 'other',
      bcqueuelen: 5000,
    };
    const [call] = planCalls({ ...input, plugin });
    expect(call?.config).toEqual({ ...planCalls(input)[0]?.config, bcqueuelen: 5000 });
  });

  test.each([
    [9000, 9000],
    ['9000', 9000],
    [0, undefined],
    ['', undefined],
    [undefined, undefined],
  ])('mtu %j becomes %j', (given, mtu) => {
    expect(planCalls({ ...input, plugin: { mtu: given } })[0]?.config['mtu']).toBe(mtu);
  });

  test.each([67, 65536, -1, 1.5, '9k', true])('mtu %j is refused by name', (mtu) => {
    expect(() => planCalls({ ...input, plugin: { mtu } })).toThrow(/network net-a: plugin.mtu .* from 68 to 65535/);
  });
});

describe('negotiate', () => {
  const debian = ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0'];

  test.each([
    ['1.1.0', debian, '1.0.0'],
    ['0.3.1', debian, '0.3.1'],
    ['0.3.0', ['0.4.0', '1.0.0'], '0.4.0'],
    ['1.1.0', [...debian, '1.1.0', '2.0.0'], '1.1.0'],
  ] as const)('%s with a delegate that knows %j is %s', (wanted, known, chosen) => {
    expect(negotiate('macvlan', known, wanted)).toBe(chosen);
  });

  test.each(supportedVersions)('no common version is refused by name (%s)', (wanted) => {
    expect(() => negotiate('macvlan', ['0.1.0', '2.0.0'], wanted)).toThrow(
      /macvlan speaks CNI 0.1.0, 2.0.0; multinic speaks/,
    );
  });
});

describe('failureOf', () => {
  const subject = { nic: 'eth1', plugin: 'macvlan', verb: 'ADD' } as const;
  const exit = { kind: 'status', status: 1 } as const;

  test('the code and words of an error object are kept', () => {
    const stdout = '{"cniVersion":"1.0.0","code":11,"msg":"busy","details":"really"}';
    expect(failureOf(subject, { end: exit, stdout, stderr: 'a log line\n' })).toMatchObject({
      code: 11,
      message: 'NIC eth1: macvlan ADD failed: busy',
      details: 'really; a log line',
    });
  });

  test.each([
    ['', 'panic: x', 'NIC eth1: macvlan ADD failed with status 1: panic: x'],
    ['', '', 'NIC eth1: macvlan ADD failed with status 1 and said nothing'],
    ['no json', '', 'NIC eth1: macvlan ADD failed with status 1: no json'],
    ['{"code":7}', '', 'NIC eth1: macvlan ADD failed with status 1: {"code":7}'],
    ['[]', 'x', 'NIC eth1: macvlan ADD failed with status 1: x'],
  ])('stdout %j and stderr %j', (stdout, stderr, message) => {
    expect(failureOf(subject, { end: exit, stdout, stderr })).toMatchObject({ code: 103, message });
  });

  test.each(['0', '-1', '"7"', '1.5'])('the code %s is none', (text) => {
    const stdout = `{"code":${text},"msg":"m"}`;
    expect(failureOf(subject, { end: exit, stdout, stderr: '' }).code).toBe(103);
  });

  test('how we ended it', () => {
    const by = (end: Parameters<typeof failureOf>[1]['end']): string =>
      failureOf(subject, { end, stdout: '{"code":7,"msg":"half"}', stderr: '' }).message;
    expect(by({ kind: 'late', ms: 50 })).toBe('NIC eth1: macvlan ADD did not end within 50 ms and was ended');
    expect(by({ kind: 'flood', bytes: 9 })).toBe('NIC eth1: macvlan ADD wrote more than 9 bytes and was ended');
    expect(by({ kind: 'aborted' })).toContain('caller has gone');
  });
});
