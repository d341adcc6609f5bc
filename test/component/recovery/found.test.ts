import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { code } from '../../../src/api/cni-error.ts';
import type { HostPlan, Nic } from '../../../src/api/host.ts';
import type { IPPool } from '../../../src/api/kinds/ippool.ts';
import { emptyResult } from '../../../src/cni/result.ts';
import { type AttachEngine, createAttachEngine } from '../../../src/daemon/attach/engine.ts';
import { whyAbandoned } from '../../../src/daemon/attach/undo/abandoned.ts';
import { claimFound, foundIn, lookForAddresses } from '../../../src/daemon/recovery/found.ts';
import { importRecords, recordsFromPools } from '../../../src/daemon/recovery/from-pools.ts';
import { createDelegates } from '../../../src/delegates/exec.ts';
import { createKernel } from '../../../src/kernel/ip.ts';
import { formatAddress } from '../../../src/net/address.ts';
import { silentLogger } from '../../../src/observe/logger.ts';
import { launchDirectly } from '../../../src/spawner/direct.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/types.ts';
import { callOf, createWorld, networkCall, planOf, type World } from '../../support/attach/world.ts';
import { nic } from '../../support/networks.ts';
import { recordOf } from '../../support/store/records.ts';

const kernel = createKernel();
const plan = planOf({ network: 'net', blocks: { eth1: ['10.5.1.0/28', 'fd00:5:1::/120'], eth2: ['10.5.2.0/28'] } });

const lending = { pluginType: 'host-device', binding: 'device' } as const;

let world: World;
let store: Store;
let folder: string;
let pod: string;
beforeEach(() => {
  world = createWorld(0);
  folder = join(world.folder, 'netns');
  mkdirSync(folder);
  pod = world.pod();
  symlinkSync(pod, join(folder, 'cni-1'));
  store = open();
});
afterEach(async () => {
  store.close();
  await world.end();
});

function open(): Store {
  return openStore({ path: join(world.folder, 'state.sqlite'), bootId: kernel.bootId(), now: Date.now }).store;
}

function give(ifname: string, ...addresses: readonly string[]): void {
  world.namespaces.ip(pod, 'link', 'add', ifname, 'type', 'veth', 'peer', 'name', `${ifname}-peer`);
  for (const address of addresses) world.namespaces.ip(pod, 'address', 'add', address, 'dev', ifname, 'nodad');
}

function engineOf(served: HostPlan, nics: readonly Nic[] = []): AttachEngine {
  return createAttachEngine({
    store,
    kernel,
    delegates: createDelegates({ owner: world.folder, launch: launchDirectly }),
    plans: () => new Map([[served.network, served]]),
    nics: () => nics,
    hostName: 'host',
    now: Date.now,
    ready: () => true,
    log: silentLogger,
    cooldown: { cooldownMs: 0, floorMs: 0 },
  });
}

test('addresses in use in pods are kept once the plan says of which network they are, over a restart too', async () => {
  give('net1', '10.5.1.3/24', 'fd00:5:1::3/64');
  give('net1-1', '10.5.2.4/24');
  give('eth0', '10.244.0.9/24');
  await store.begin(recordOf('known', ['10.5.2.4']));
  await lookForAddresses(store, kernel, folder);
  expect(await claimFound(store, kernel, [], Date.now())).toBe(0);
  store.close();
  store = open();
  expect(await claimFound(store, kernel, [plan], Date.now())).toBe(1);
  const [found, ...more] = foundIn(store, 'net', kernel.netnsId(pod) ?? '', new Set(['net1', 'net1-1', 'eth0']));
  expect(more).toEqual([]);
  expect(found).toMatchObject({ state: 'ready', key: { ifname: 'net1' }, netns: join(folder, 'cni-1') });
  expect(found?.addresses.map(({ address, nic }) => `${nic} ${formatAddress(address)}`)).toEqual([
    'eth1 10.5.1.3',
    'eth1 fd00:5:1::3',
  ]);
  expect(await claimFound(store, kernel, [plan], Date.now())).toBe(0);
  if (found === undefined) return;
  const facts = { bootId: kernel.bootId(), pod: 'unknown' } as const;
  expect(whyAbandoned(found, [], { ...facts, netnsLives: true })).toBeUndefined();
  expect(whyAbandoned(found, [], { ...facts, netnsLives: false })).toBe('its namespace is gone');
});

test('a namespace that has gone since holds nothing; one that cannot be read is an error', async () => {
  give('net1', '10.5.1.3/24');
  await lookForAddresses(store, kernel, folder);
  world.namespaces.remove(pod);
  expect(await claimFound(store, kernel, [plan], Date.now())).toBe(0);

  const other = world.pod();
  symlinkSync(other, join(folder, 'cni-2'));
  const broken = { ...kernel, links: () => Promise.reject(new Error('no memory')) };
  await expect(lookForAddresses(store, broken, folder)).rejects.toThrow('no memory');
  expect(await lookForAddresses(store, kernel, join(folder, 'nowhere'))).toBeUndefined();
});

test('a DEL by the runtime: links of what only an IPPool or the namespace knew go too, and with them what is held', async () => {
  give('net1', '10.5.1.3/24');
  give('net1-1', '10.5.2.4/24');
  const pooled = { ...recordOf('c1', ['10.5.1.3']), calls: [], masters: [], netns: '', netnsId: '' };
  await store.begin({ ...pooled, stamp: { bootId: kernel.bootId(), ns: 0n } });
  await store.finish(pooled.key, [], emptyResult);
  await lookForAddresses(store, kernel, folder);
  expect(await claimFound(store, kernel, [plan], Date.now())).toBe(1);
  expect(store.counts()).toMatchObject({ attachments: 2, addresses: 2 });
  const engine = engineOf(plan);
  const interfaces = (await world.links(pod)).map(({ name, mac }) => ({ name, mac, sandbox: pod }));
  const prevResult = { ...emptyResult, interfaces: interfaces.filter(({ name }) => !name.endsWith('-peer')) };
  // GC knows nothing of what was found, and leaves it.
  await engine.handle(networkCall('GC', 'net', [{ containerID: 'c1', ifname: 'net1' }]));
  expect(store.counts()).toMatchObject({ attachments: 2 });
  await engine.handle(callOf('DEL', { network: 'net', container: 'c1', netns: pod, prevResult }));
  expect(await world.links(pod)).toEqual([]);
  expect(store.counts()).toMatchObject({ attachments: 0, addresses: 0 });
});

/** What was published of a pod that has an address of eth1 and one of eth2. */
const published = [1, 2].map(
  (n): IPPool => ({
    apiVersion: 'multinic.fms.io/v1',
    kind: 'IPPool',
    metadata: { name: `pool-${n}` },
    spec: {
      netAttachDef: 'net',
      hostName: 'host',
      interfaceName: `eth${n}`,
      interfaceIndex: n - 1,
      podCIDR: `10.5.${n}.0/28`,
      vlanCIDR: `10.5.${n}.0/24`,
      excludes: [],
    },
    status: {
      allocations: [{ address: `10.5.${n}.3`, containerID: 'c1', ifname: 'net1', namespace: 'default', pod: 'first' }],
    },
  }),
);

const blocks = { eth1: ['10.5.1.0/28'], eth2: ['10.5.2.0/28'] };

test.each([
  [
    'host-device',
    planOf({ network: 'net', delegation: lending, blocks }),
    code.tryAgainLater,
    (name: string) => `${name} (is used by `,
  ],
  [
    'passthru',
    planOf({ network: 'net', mode: 'passthru', blocks }),
    code.nicConflict,
    (name: string) => `wants NIC ${name} as macvlan passthru, alone, but`,
  ],
])(
  'NICs that pods have alone stay theirs: %s, known from an IPPool, from a namespace',
  async (_title, alone, refusal, said) => {
    await importRecords(
      store,
      recordsFromPools(published.slice(0, 1), () => alone, kernel.bootId(), Date.now()),
    );
    give('net1', '10.5.2.4/24');
    await lookForAddresses(store, kernel, folder);
    expect(await claimFound(store, kernel, [alone], Date.now())).toBe(1);
    store.close();
    store = open();
    const engine = engineOf(alone, [nic('eth1', []), nic('eth2', [])]);
    for (const name of ['eth1', 'eth2']) {
      const late = callOf('ADD', { network: 'net', container: 'c2', netns: world.pod(), request: { masters: [name] } });
      await expect(engine.handle(late)).rejects.toMatchObject({
        code: refusal,
        message: expect.stringContaining(said(name)),
      });
    }
    await engine.handle(callOf('DEL', { network: 'net', container: 'c1', netns: pod }));
    expect(store.counts()).toMatchObject({ attachments: 0, addresses: 0, masters: 0 });
  },
);
