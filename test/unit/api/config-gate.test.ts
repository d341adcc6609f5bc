import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/api/config-gate.ts';
import type { Config, ConfigSpec } from '../../../src/api/kinds/config.ts';

const config = (spec: ConfigSpec): Config => ({
  apiVersion: 'multinic.fms.io/v1',
  kind: 'Config',
  metadata: { name: 'multinic' },
  spec,
});

function problems(spec: ConfigSpec, image?: string): string[] {
  const parsed = parseConfig(config(spec), image);
  return parsed.ok ? [] : parsed.problems.map(({ path }) => path);
}

describe('the gate of the Config', () => {
  it('fills in everything', () => {
    expect(parseConfig(config({}), 'example.com/multinic:1')).toEqual({
      ok: true,
      value: {
        image: 'example.com/multinic:1',
        port: 11_000,
        env: [],
        envFrom: [],
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ operator: 'Exists' }],
        resources: { requests: { cpu: '100m', memory: '100Mi' } },
        cniBinDir: '/opt/cni/bin',
        logLevel: 'info',
        args: [],
      },
    });
  });

  it('hands settings on as arguments of the daemon', () => {
    const parsed = parseConfig(
      config({
        daemon: { image: 'a', port: 9100, tolerations: [] },
        logLevel: 127,
        cooldown: '90s',
        delegateTimeout: '2m',
        routeTables: { first: 500, last: 600 },
        nics: { include: ['eth[1-9]*', 'bond*'], exclude: ['eth9'] },
      }),
      'b',
    );
    expect(parsed).toMatchObject({ value: { image: 'a', port: 9100, tolerations: [], logLevel: 'trace' } });
    expect(parsed.ok && parsed.value.args).toEqual([
      '--cooldown=90s',
      '--delegate-timeout=2m',
      '--route-tables=500-600',
      '--nics-include=eth[1-9]*',
      '--nics-include=bond*',
      '--nics-exclude=eth9',
    ]);
  });

  it('names every mistake at once', () => {
    const spec: ConfigSpec = {
      daemon: { port: 70_000, imagePullPolicy: 'Sometimes', env: [{ name: 'NODE_NAME', value: 'x' }, { value: 'y' }] },
      cniBinDir: '/opt/../etc',
      logLevel: 0,
      cooldown: '1 minute',
      routeTables: { first: 100, last: 200 },
    };
    expect(problems(spec)).toEqual([
      'spec.daemon.image',
      'spec.daemon.imagePullPolicy',
      'spec.daemon.port',
      'spec.daemon.env[0].name',
      'spec.daemon.env[1].name',
      'spec.cniBinDir',
      'spec.logLevel',
      'spec.routeTables',
      'spec.cooldown',
    ]);
  });

  it("does not run the predecessor's daemon", () => {
    for (const image of [
      'ghcr.example/x/multi-nic-cni-daemon:v1.3.2',
      'multi-nic-cni-daemon',
      'a/multi-nic-cni-daemon@sha256:0',
    ]) {
      expect(problems({ daemon: { image } }, 'ours')).toEqual(['spec.daemon.image']);
    }
  });
});
