import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AttachEngine } from '../../../src/daemon/attach/engine.ts';
import { startCluster } from '../../../src/daemon/cluster/cluster.ts';
import { createHostState } from '../../../src/daemon/host-state.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { kubeconfig } from '../../../src/lab/apiserver/kubeconfig.ts';
import { createDaemonMetrics } from '../../../src/observe/daemon-metrics.ts';
import { silentLogger } from '../../../src/observe/logger.ts';
import { createReadiness } from '../../../src/observe/readiness.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Hours } from './hours.ts';

export interface DaemonPlace {
  /** URL of the API server, which knows the token daemon-token. */
  readonly url: string;
  readonly node: string;
  /** Path of the host's network namespace. */
  readonly netns: string;
  readonly hours: Hours;
  readonly onError: (message: string) => void;
}

/** What a daemon has to do with the API: its loops over a real kernel and a real store; pods are what the test says. */
export interface ApiSide {
  /** That many pods hold an address of each block from now on. */
  pods(count: number): void;
  /** Ends the loops; started again it goes on with the same store. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it and removes its store. */
  end(): Promise<void>;
}

export function createApiSide({ url, node, netns, hours, onError }: DaemonPlace): ApiSide {
  const folder = mkdtempSync(join(tmpdir(), 'multinic-outage-'));
  const login = join(folder, 'kubeconfig');
  writeFileSync(login, kubeconfig({ url, user: 'daemon', token: 'daemon-token' }));
  let held = 0;
  let changed: (() => void) | undefined;
  let end: (() => Promise<void>) | undefined;
  const engine: AttachEngine = {
    handle: () => Promise.resolve(undefined),
    recover: () => Promise.reject(new Error('nothing to recover')),
    retry: () => Promise.resolve([]),
    settleLent: () => Promise.resolve([]),
    collect: () => Promise.resolve({ released: [], failed: [] }),
    busy: () => 0,
    listAttachments: () => [],
    poolUse: (network, interfaceIndex) => ({
      capacity: 62n,
      resting: 0,
      allocations: Array.from({ length: held }, (_, pod) => ({
        address: `${network}#${interfaceIndex}#${pod}`,
        containerID: `pod-${pod}`,
        ifname: `net${interfaceIndex}`,
        pod: `pod-${pod}`,
        namespace: 'default',
      })),
    }),
    onChange: (listener) => {
      changed = listener;
      return () => (changed = undefined);
    },
  };

  async function start(): Promise<void> {
    const stop = new AbortController();
    const kernel = hours.track(createKernel({ enter: ['nsenter', `--net=${netns}`] }));
    const opened = openStore({
      path: join(folder, 'state.sqlite'),
      bootId: kernel.bootId(),
      now: () => hours.clock.now(),
    });
    const log = { ...silentLogger, error: (_fields: object, message: string) => onError(message) };
    const loops = await startCluster({
      options: {
        node,
        kubeconfig: login,
        stateDir: folder,
        runDir: folder,
        nicsInclude: ['eth[1-9]*'],
        nicsExclude: [],
        cooldownMs: 60_000,
        delegateTimeoutMs: 60_000,
        gcIntervalMs: 60_000,
        executor: 'direct',
        routeTables: { first: 20_000, last: 20_999 },
        healthListen: 'off',
      },
      kernel,
      store: hours.track(opened.store),
      state: createHostState(opened.store, log),
      engine,
      readiness: createReadiness(['recovery', 'nics', 'plan']),
      metrics: createDaemonMetrics(),
      log,
      signal: stop.signal,
      clock: hours.clock,
    });
    end = async () => {
      stop.abort();
      await loops.closed;
      opened.store.close();
    };
  }
  const stop = async (): Promise<void> => {
    await end?.();
    end = undefined;
  };

  return {
    pods: (count) => {
      held = count;
      changed?.();
    },
    start,
    stop,
    end: async () => {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
