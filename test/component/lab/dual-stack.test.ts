import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createLab, type Lab } from '../../../src/lab/lab.ts';
import { pingAll } from '../../../src/lab/ping.ts';
import type { LabPod } from '../../../src/lab/pods/pods.ts';

describe('pods on networks with IPv6', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await createLab({ hosts: 2, nics: 2, families: [4, 6], pods: 8 });
  });

  afterAll(async () => {
    await lab?.close();
  });

  test.each([
    ['dual', ['192.168.0.0/16', 'fd00:1:2::/48'], 2],
    ['six', ['fd00:1:3::/48'], 1],
  ])(
    '%s: each pod reaches each other on each NIC in each family, and all goes again',
    async (name, subnets, families) => {
      await lab.api.kubectl(['apply', '-f', '-'], manifest(name, subnets));
      await lab.api.kubectl(['wait', '--for=condition=Ready', `multinicnetwork/${name}`, '--timeout=60s']);
      const pods: LabPod[] = [];
      for (const host of lab.hosts) {
        for (const number of [1, 2]) {
          pods.push(await lab.addPod({ name: `${name}-${host.number}-${number}`, host, networks: name }));
        }
      }
      const counts = await pingAll(pods);
      expect(counts).toHaveLength(4 * 3 * 2 * families);
      expect(counts.filter(({ sent, received }) => sent !== received || sent !== 3)).toEqual([]);
      for (const pod of pods) await lab.removePod(pod);
      await lab.api.kubectl(['delete', 'multinicnetwork', name, '--timeout=90s']);
      const left = await Promise.all(lab.hosts.map((host) => host.exec(['ls', '/run/netns'])));
      expect(left.map(({ stdout }) => stdout)).toEqual(['', '']);
    },
  );
});

function manifest(name: string, subnets: readonly string[]): string {
  const plugin = { cniVersion: '1.0.0', type: 'macvlan', args: { mode: 'bridge' } };
  const spec = { subnets, addressing: { hostBlock: 6, interfaceBlock: 2 }, plugin };
  return JSON.stringify({ apiVersion: 'multinic.fms.io/v1', kind: 'MultiNicNetwork', metadata: { name }, spec });
}
