import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nicOf } from '../../../src/daemon/devices/nic-of.ts';
import { readPodResources } from '../../../src/daemon/devices/pod-resources.ts';
import { nic } from '../../support/networks.ts';

/** The answer that kubelet's own Go types make of list.json: `pod-resources - list.json` of test/e2e/tools. */
const bytes = Buffer.from(
  readFileSync(new URL('../../data/pod-resources/list.hex', import.meta.url), 'utf8').trim(),
  'hex',
);

describe('readPodResources', () => {
  test('reads what kubelet writes: all devices of all containers, in order', () => {
    expect(readPodResources(bytes)).toEqual([
      { namespace: 'default', name: 'idle', devices: [] },
      {
        namespace: 'team-a',
        name: 'worker',
        devices: [
          { resource: 'openshift.io/neta', id: '0000:3b:02.1' },
          { resource: 'nvidia.com/gpu', id: 'GPU-8a2f1c' },
          { resource: 'openshift.io/neta', id: '0000:5e:02.0' },
          { resource: 'openshift.io/neta', id: '0000:3b:02.3' },
        ],
      },
      { namespace: 'team-b', name: 'bytes-größe', devices: [] },
    ]);
    expect(readPodResources(new Uint8Array())).toEqual([]);
  });

  test('an answer that is cut off anywhere inside is refused, never read as fewer devices of the same pods', () => {
    const whole = JSON.stringify(readPodResources(bytes));
    for (let length = 1; length < bytes.length; length += 1) {
      let read: string;
      try {
        read = JSON.stringify(readPodResources(bytes.subarray(0, length)));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        continue;
      }
      // Cut between two pods.
      expect(whole.startsWith(read.slice(0, -1))).toBe(true);
    }
  });

  test('any bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (garbage) => {
        try {
          readPodResources(garbage);
        } catch (error) {
          expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('nicOf', () => {
  const pf = (name: string, pciAddress: string) => ({ ...nic(name, []), pciAddress });
  const nics = [pf('ens1', '0000:3b:00.0'), pf('ens2', '0000:5E:00.0'), nic('bond0', [])];
  const files: Readonly<Record<string, string>> = {
    'bus/pci/devices/0000:3b:02.1/physfn/uevent': 'DRIVER=mlx5_core\nPCI_SLOT_NAME=0000:3b:00.0\nMODALIAS=x',
    'bus/pci/devices/0000:9a:02.0/physfn/uevent': 'PCI_SLOT_NAME=0000:9a:00.0',
    'bus/auxiliary/devices/mlx5_core.sf.2/../uevent': 'PCI_SLOT_NAME=0000:5e:00.0',
  };
  test.each([
    ['a virtual function', '0000:3b:02.1', 'ens1'],
    ['an auxiliary device', 'mlx5_core.sf.2', 'ens2'],
    ['the NIC itself', '0000:5e:00.0', 'ens2'],
    ['a virtual function of a NIC that is not in the pool', '0000:9a:02.0', undefined],
    ['a device that is not there', '0000:ff:00.0', undefined],
    ['no name', '../../etc', undefined],
  ])('%s', (_, device, name) => {
    const read = (path: string): string | undefined => {
      expect(path).not.toContain('etc');
      return files[path];
    };
    expect(nicOf(device, nics, read)?.name).toBe(name);
  });
});
