import { describe, expect, test } from 'vitest';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { pluginArg } from '../../../src/api/plugin-args.ts';
import { networkObject } from '../../support/networks.ts';

describe('pluginArg', () => {
  test.each([
    ['sriov', 'vlan', '999', 'vlan', 999],
    ['sriov', 'vlanQoS', '5', 'vlanQoS', 5],
    ['sriov', 'vlanQos', '5', 'vlanQoS', 5],
    ['sriov', 'minTxRate', '100', 'min_tx_rate', 100],
    ['sriov', 'max_tx_rate', '0', 'max_tx_rate', 0],
    ['sriov', 'spoofchk', 'true', 'spoofchk', 'on'],
    ['sriov', 'trust', 'off', 'trust', 'off'],
    ['sriov', 'link_state', 'auto', 'link_state', 'auto'],
    ['sriov', 'vlanProto', '802.1ad', 'vlanProto', '802.1ad'],
    ['bridge', 'isGateway', 'false', 'isGateway', false],
    ['bridge', 'bridge', '7', 'bridge', '7'],
    ['tap', 'multiQueue', 'true', 'multiQueue', true],
    ['macvlan', 'bcqueuelen', '5000', 'bcqueuelen', 5000],
    ['dummy', 'mtu', '1400', 'mtu', 1400],
    ['ipvlan', 'unknownToUs', 'true', 'unknownToUs', 'true'],
    ['constructor', 'toString', 'x', 'toString', 'x'],
  ])('%s %s %j is %s %j', (plugin, given, text, name, value) => {
    expect(pluginArg(plugin, given, text)).toEqual({ ok: true, name, value });
  });

  test.each([
    ['sriov', 'vlan', 'ten', 'a number from 0 to 4094'],
    ['sriov', 'vlanQos', '8', 'a number from 0 to 7'],
    ['sriov', 'vlanProto', '802.1x', '802.1q or 802.1Q or 802.1ad or 802.1AD'],
    ['sriov', 'link_state', 'up', 'auto or enable or disable'],
    ['sriov', 'numVfs', '0', 'a number from 1 to 65535'],
    ['sriov', 'resourceName', 'a b', 'the name of a resource'],
    ['mellanox', 'resourceName', 'hostdev', 'whole names of resources, for example nvidia.com/hostdev'],
    ['sriov', 'trust', 'maybe', 'true or false'],
    ['bridge', 'isGateway', '1', 'true or false'],
  ])('%s %s %j must be %s', (plugin, given, text, expected) => {
    expect(pluginArg(plugin, given, text)).toEqual({ ok: false, expected });
  });
});

describe('sriov', () => {
  const gate = (args: Record<string, string>) => {
    const parsed = parseNetwork(
      networkObject({
        plugin: { cniVersion: '1.0.0', type: 'sriov', args },
        ipam: JSON.stringify({ type: 'multi-nic-ipam', hostBlock: 6, interfaceBlock: 2 }),
      }),
    );
    return parsed.ok ? parsed.value : parsed.problems.map(({ path, message }) => `${path} ${message}`).join('; ');
  };
  test('is bound to a device, and has no mode', () => {
    expect(
      gate({ vlan: '5', vlanQoS: '3', minTxRate: '10', max_tx_rate: '0', resourceName: 'intel.com/a' }),
    ).toMatchObject({
      pluginType: 'sriov',
      binding: 'deviceID',
      routed: false,
    });
    expect(gate({ mode: 'l2' })).toContain('spec.plugin.args.mode sriov has no modes');
  });
  test.each([
    [{ mac: '02:00:00:00:00:01' }, 'spec.plugin.args.mac is of one interface, and pods have several'],
    [{ vlanQos: '3' }, 'spec.plugin.args.vlanQos is about a VLAN, and there is none'],
    [{ vlanProto: '802.1ad', vlan: '0' }, 'spec.plugin.args.vlanProto is about a VLAN'],
    [{ minTxRate: '200', maxTxRate: '100' }, 'spec.plugin.args.minTxRate is more than maxTxRate: give at most 100'],
    [{ numVfs: 'many' }, 'spec.plugin.args.numVfs "many" must be a number from 1 to 65535 for sriov'],
  ])('%j is refused', (args, text) => {
    expect(gate(args)).toContain(text);
  });
});

describe('plugins that are not bound to a NIC', () => {
  const gate = (type: string, args: Record<string, string>, vlanMode = 'l2') =>
    parseNetwork(
      networkObject({
        plugin: { cniVersion: '1.0.0', type, args },
        ipam: JSON.stringify({ type: 'multi-nic-ipam', hostBlock: 6, interfaceBlock: 2, vlanMode }),
      }),
    );

  test('have no mode and make no routes', () => {
    const parsed = gate('bridge', { bridge: 'br-pods', isGateway: 'true' });
    expect(parsed).toMatchObject({ ok: true, value: { pluginType: 'bridge', binding: 'none', routed: false } });
    expect(parsed.ok && 'mode' in parsed.value).toBe(false);
    for (const type of ['tap', 'dummy']) expect(gate(type, {})).toMatchObject({ ok: true });
  });

  test.each([
    ['bridge', {}, 'l2', 'spec.plugin.args.bridge', 'is missing: name the bridge'],
    ['bridge', { bridge: 'b', vlan: 'x' }, 'l2', 'spec.plugin.args.vlan', '"x" must be a number for bridge'],
    ['dummy', { mode: 'l2' }, 'l2', 'spec.plugin.args.mode', 'dummy has no modes'],
    ['tap', {}, 'l3', 'spec.plugin.type', 'tap cannot be vlanMode l3'],
  ])('%s %j %s is refused at %s', (type, args, vlanMode, path, words) => {
    const parsed = gate(type, args, vlanMode);
    expect(parsed).toMatchObject({ ok: false, problems: [{ path, message: expect.stringContaining(words) }] });
  });
});
