import { describe, expect, test } from 'vitest';
import { parseNetwork } from '../../../src/api/network-gate.ts';
import { networkObject } from '../../support/networks.ts';

function parse(type: string, args: Record<string, string> = {}, ipam: object = { type: 'host-device-ipam' }) {
  const { spec, ...object } = networkObject({});
  const { addressing: _addressing, ...rest } = spec ?? { plugin: { type: '', cniVersion: '' } };
  return parseNetwork({
    ...object,
    spec: { ...rest, multiNICIPAM: false, ipam: JSON.stringify(ipam), plugin: { cniVersion: '1.0.0', type, args } },
  });
}

describe('networks that lend NICs', () => {
  test.each([
    ['host-device', {}],
    ['host-device', { device: 'eth1, eth2' }],
    ['host-device', { pciBusID: '0000:3b:00.0,0000:3B:00.1' }],
    ['host-device', { hwaddr: '02:42:0a:01:02:03', mtu: '0' }],
    ['host-device', { kernelpath: '/sys/devices/pci0000:3a/0000:3b:00.0' }],
    ['mellanox', {}],
  ])('%s with %j', (type, args) => {
    expect(parse(type, args)).toMatchObject({ ok: true, value: { pluginType: type, ipam: { kind: 'host-device' } } });
  });

  test.each([
    ['macvlan', {}, 'spec.ipam', 'but macvlan leaves the NIC on the host'],
    [
      'host-device',
      { device: 'eth1', hwaddr: '02:42:0a:01:02:03' },
      'spec.plugin.args.hwaddr',
      'is too much: name NICs by one of device',
    ],
    ['host-device', { pciBusID: '0000:3b:00.0,3b:00.1' }, 'spec.plugin.args.pciBusID', '"3b:00.1" is no PCI address'],
    ['host-device', { device: 'a/b' }, 'spec.plugin.args.device', '"a/b" is no name of a link'],
    ['host-device', { kernelpath: '/dev/x' }, 'spec.plugin.args.kernelpath', 'is no path below /sys/devices/'],
    ['host-device', { mtu: '9000' }, 'spec.plugin.args.mtu', 'host-device leaves the MTU as it is'],
    ['host-device', { mode: 'l2' }, 'spec.plugin.args.mode', 'host-device has no modes'],
  ])('%s with %j is refused', (type, args, path, message) => {
    const problems = [{ path, message: expect.stringContaining(message) }];
    expect(parse(type, args)).toEqual({ ok: false, problems });
  });

  test('host-device-ipam has nothing to be told', () => {
    const problems = [{ path: 'spec.ipam.routes', message: expect.stringContaining('is not for host-device-ipam') }];
    expect(parse('host-device', {}, { type: 'host-device-ipam', routes: [] })).toEqual({ ok: false, problems });
  });
});
