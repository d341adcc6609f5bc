import { expect, test } from 'vitest';
import { readDevices } from '../../../src/cni/devices.ts';
import { FieldReader } from '../../../src/cni/fields.ts';

const read = (json: Record<string, unknown>) => {
  const reader = new FieldReader();
  const devices = readDevices(reader, json);
  return { devices, problems: reader.problems.map(({ path, message }) => `${path} ${message}`) };
};

test('the device that Multus puts into up to three places counts once; resources are those of the NAD', () => {
  const id = '0000:3b:02.1';
  expect(read({ deviceID: id, pciBusID: id, runtimeConfig: { deviceID: id }, resourceNames: ['a.io/b'] })).toEqual({
    devices: { handed: [id], resources: ['a.io/b'] },
    problems: [],
  });
  expect(read({ runtimeConfig: { deviceID: 'mlx5_core.sf.2' } }).devices).toEqual({
    handed: ['mlx5_core.sf.2'],
    resources: [],
  });
  expect(read({ deviceID: '', runtimeConfig: {}, resourceNames: [] }).devices).toBeUndefined();
});

test('what cannot be a device is refused with its path', () => {
  expect(read({ deviceID: '../../etc', pciBusID: 7, resourceNames: [1] }).problems).toEqual([
    'deviceID must be a PCI address or the name of a device',
    'pciBusID must be a string, not 7',
    'resourceNames[0] must be a string, not 1',
  ]);
});
