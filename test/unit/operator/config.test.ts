import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/api/config-gate.ts';
import type { Config } from '../../../src/api/kinds/config.ts';
import { fieldsOf } from '../../../src/kube/calls/json.ts';
import { defaultConfig } from '../../../src/operator/config/config-default.ts';
import { accepted, nextConfigStatus, notObeyed, rollout } from '../../../src/operator/config/config-status.ts';
import {
  type DaemonSet,
  daemonSet,
  hashOf,
  isAsApplied,
  isOurDaemonSet,
} from '../../../src/operator/config/daemon-set.ts';

const config = (spec: Config['spec'] = {}, name = 'multinic'): Config => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'Config',
  metadata: { name },
  spec,
});

function wantedOf(spec: Config['spec'] = {}): DaemonSet {
  const parsed = parseConfig(config(spec), 'image:1');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return daemonSet(parsed.value, 'multinic-system');
}

describe("the daemons' DaemonSet", () => {
  it('sees of the host what it needs and no more, on a read-only root', () => {
    const text = JSON.stringify(wantedOf({ cniBinDir: '/var/lib/cni/bin' }).spec);
    const pod = fieldsOf(fieldsOf(fieldsOf(JSON.parse(text))['template'])['spec']);
    expect(pod).toMatchObject({ hostNetwork: true, hostPID: true, serviceAccountName: 'multinic-daemon' });
    expect(pod['volumes']).toEqual([
      { name: 'cni-bin', hostPath: { path: '/var/lib/cni/bin', type: 'DirectoryOrCreate' } },
      { name: 'state', hostPath: { path: '/var/lib/multinic', type: 'DirectoryOrCreate' } },
      { name: 'run', hostPath: { path: '/run/multinic', type: 'DirectoryOrCreate' } },
      { name: 'netns', hostPath: { path: '/run/netns', type: 'DirectoryOrCreate' } },
      { name: 'cni-state', hostPath: { path: '/var/lib/cni', type: 'DirectoryOrCreate' } },
      { name: 'cni-run', hostPath: { path: '/run/cni', type: 'DirectoryOrCreate' } },
      { name: 'pod-resources', hostPath: { path: '/var/lib/kubelet/pod-resources', type: 'DirectoryOrCreate' } },
      { name: 'tmp', emptyDir: {} },
    ]);
    expect(text).toContain('"mountPath":"/var/lib/kubelet/pod-resources","readOnly":true');
    expect(text.match(/"readOnlyRootFilesystem":true/g)).toHaveLength(2);
    expect(text).toContain('"mountPath":"/run/netns","mountPropagation":"HostToContainer"');
    expect(text).toContain('"mountPath":"/var/lib/cni/bin","readOnly":true');
  });

  it("is probed, and read by Prometheus, on the node's own address in either family", () => {
    const text = JSON.stringify(wantedOf({ daemon: { port: 12_000 } }).spec);
    const pod = fieldsOf(fieldsOf(JSON.parse(text))['template']);
    const [container] = [fieldsOf(pod['spec'])['containers']].flat();
    expect(container).toMatchObject({
      args: expect.arrayContaining(['--host-pid=1', '--health-listen=[$(POD_IP)]:12000']),
      env: expect.arrayContaining([{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }]),
      ports: [{ name: 'health', containerPort: 12_000, hostPort: 12_000, protocol: 'TCP' }],
      readinessProbe: { httpGet: { path: '/readyz', port: 'health' } },
      livenessProbe: { httpGet: { path: '/healthz', port: 'health' } },
    });
    expect(pod['metadata']).toMatchObject({
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '12000' },
    });
  });

  const wanted = wantedOf();
  const stored: DaemonSet = { ...wanted, metadata: { ...wanted.metadata, uid: 'd1', generation: 3 } };
  const applied = { uid: 'd1', generation: 3, hash: hashOf(wanted) };

  it('is not written when nobody has touched it, whatever the server filled in', () => {
    expect(isAsApplied({ ...stored, spec: {} }, wanted, applied)).toBe(true);
  });

  it('is written when its spec or our label was edited, when it was made anew, and when the Config says something else', () => {
    const meta = stored.metadata;
    expect(isAsApplied({ ...stored, metadata: { ...meta, generation: 4 } }, wanted, applied)).toBe(false);
    expect(isAsApplied({ ...stored, metadata: { ...meta, labels: {} } }, wanted, applied)).toBe(false);
    expect(isAsApplied({ ...stored, metadata: { ...meta, uid: 'd2' } }, wanted, applied)).toBe(false);
    expect(isAsApplied(stored, wantedOf({ logLevel: 4 }), applied)).toBe(false);
    expect(isAsApplied(stored, wanted, undefined)).toBe(false);
  });

  it("is ours by its label, or by what the Config's status remembers", () => {
    const bare = { ...stored, metadata: { ...stored.metadata, labels: {} } };
    expect([isOurDaemonSet(stored, undefined), isOurDaemonSet(bare, applied), isOurDaemonSet(bare, undefined)]).toEqual(
      [true, true, false],
    );
  });
});

describe('a Config', () => {
  const daemons = (status: DaemonSet['status']): DaemonSet => ({
    ...wantedOf(),
    metadata: { name: 'multinic-daemon', generation: 2 },
    ...(status && { status }),
  });

  it('says how far the roll-out is', () => {
    const counts = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };
    expect(rollout(daemons(undefined)).holds).toBe(false);
    expect(rollout(daemons({ ...counts, observedGeneration: 1 })).reason).toBe('RollingOut');
    expect(rollout(daemons({ ...counts, observedGeneration: 2, numberAvailable: 2 }))).toMatchObject({
      reason: 'RollingOut',
      message: '2 of 3 daemons are up to date and ready',
    });
    expect(rollout(daemons({ ...counts, observedGeneration: 2 }))).toMatchObject({ holds: true, ready: 3, desired: 3 });
  });

  it('keeps a status that says the same, and the times of conditions that did not turn', () => {
    const done = { holds: true, reason: 'RolledOut', message: 'all' } as const;
    const first = nextConfigStatus(undefined, { accepted, ready: done }, 1, '2026-01-01T00:00:00.000Z');
    expect(nextConfigStatus(first, { accepted, ready: done }, 1, '2026-01-02T00:00:00.000Z')).toBe(first);
    const busy = { holds: false, reason: 'RollingOut', message: 'some' } as const;
    const second = nextConfigStatus(first, { accepted, ready: busy }, 1, '2026-01-02T00:00:00.000Z');
    expect(second.conditions?.map((one) => one.lastTransitionTime)).toEqual([
      '2026-01-01T00:00:00.000Z',
      '2026-01-02T00:00:00.000Z',
    ]);
  });

  it('of the predecessor, or of another name, is not obeyed and says so', () => {
    expect(notObeyed('multi-nicd')).toMatchObject({ holds: false, reason: 'PredecessorConfig' });
    expect(notObeyed('mine')).toMatchObject({ holds: false, reason: 'NotUsed' });
  });

  it('that is made takes over where the predecessor ran, never what it ran', () => {
    expect(defaultConfig(undefined).spec).toEqual({});
    const predecessor = config(
      {
        daemon: {
          image: 'example.com/multi-nic-cni-daemon:v1',
          port: 11_000,
          nodeSelector: { nics: 'yes' },
          tolerations: [{ key: 'gpu', operator: 'Exists' }],
          securityContext: { privileged: true },
          mounts: [{ name: 'cnibin', podpath: '/host/opt/cni/bin', hostpath: '/var/lib/cni/bin' }],
        },
        logLevel: 4,
      },
      'multi-nicd',
    );
    expect(defaultConfig(predecessor)).toMatchObject({ metadata: { name: 'multinic' } });
    expect(defaultConfig(predecessor).spec).toEqual({
      daemon: { nodeSelector: { nics: 'yes' }, tolerations: [{ key: 'gpu', operator: 'Exists' }] },
      cniBinDir: '/var/lib/cni/bin',
    });
  });
});
