import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostPlan } from '../../src/api/host.ts';
import { encodePlans } from '../../src/daemon/plan/codec.ts';
import { createKernel } from '../../src/kernel/ip.ts';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import { type BareLab, createBareLab } from '../../src/lab/run/bare-lab.ts';
import { firstAddress, parsePrefix, partOf, prefixOf } from '../../src/net/prefix.ts';
import { openStore, originName } from '../../src/store/open.ts';
import { built, root } from '../timed/timed.ts';

/** The network that the host serves: macvlan, a block of 254 addresses on each NIC. */
export const network = 'bench';
const subnet = parsePrefix('192.168.0.0/16');

/** One lab host on which the real daemon serves a plan from its store; there is no API server at all. */
export interface ServingHost {
  readonly host: LabHost;
  close(): Promise<void>;
}

/** @throws Error with the end of the daemon's log when it does not come up */
export async function startServingHost(nics: number): Promise<ServingHost> {
  const labs = join(built, 'labs');
  mkdirSync(labs, { recursive: true });
  const lab = await createBareLab({ root: labs, hosts: 1, nics, families: [4] });
  try {
    const [host] = lab.network.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    await seedPlan(host, nics);
    startDaemon(lab, host);
    await untilServing(host);
    return { host, close: () => lab.close() };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function seedPlan(host: LabHost, nics: number): Promise<void> {
  const folder = join(host.dir, 'var/lib/multinic');
  mkdirSync(folder, { recursive: true });
  const { store } = openStore({
    path: join(folder, 'state.sqlite'),
    bootId: createKernel().bootId(),
    now: () => Date.now(),
  });
  await store.set(originName, undefined);
  await store.set('plans', encodePlans([planOf(nics)]));
  store.close();
}

function planOf(nics: number): HostPlan {
  const blocks = Array.from({ length: nics }, (_, index) => {
    const rail = partOf(subnet, index, 4);
    const net = prefixOf(firstAddress(parsePrefix(`10.1.${index + 1}.0/24`)), 24);
    return {
      interfaceIndex: index,
      interfaceName: `eth${index + 1}`,
      netAddresses: [net],
      vlanCIDRs: [rail],
      podCIDRs: [partOf(rail, 1, 4)],
      excludes: [],
      draining: false,
    };
  });
  return {
    network,
    uid: 'bench',
    hostIndex: 1,
    revision: { network: 1, host: 1 },
    draining: false,
    linkKind: 'macvlan',
    mode: 'bridge',
    routed: false,
    subnets: [subnet],
    masterNets: [],
    blocks,
  };
}

function startDaemon(lab: BareLab, host: LabHost): void {
  // Nothing listens there: the daemon serves from its store.
  const kubeconfig = join(lab.dir, 'nowhere.kubeconfig');
  const cluster = { server: 'https://127.0.0.1:1' };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'none', cluster }],
    users: [{ name: 'none', user: { token: 'none' } }],
    contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
    'current-context': 'none',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const options = [
    '--node',
    host.name,
    '--kubeconfig',
    kubeconfig,
    '--nics-include',
    'eth[1-9]*',
    '--health-listen',
    'off',
  ];
  const argv = [
    ...host.prefix,
    process.execPath,
    join(root, 'src/cli/main.ts'),
    'daemon',
    ...options,
    '--cooldown',
    '1s',
  ];
  const child = lab.runner.start(argv, join(lab.dir, 'daemon.log'));
  if (child.pid !== undefined) lab.file.addProcess('daemon', child.pid);
}

async function untilServing(host: LabHost): Promise<void> {
  const env = { CNI_COMMAND: 'STATUS', CNI_PATH: '/usr/lib/cni' };
  const input = JSON.stringify({ cniVersion: '1.1.0', name: network, type: 'multi-nic' });
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { code, stdout } = await host.exec(['/opt/cni/bin/multi-nic'], { env, bareEnv: true, input });
    if (code === 0) return;
    if (Date.now() > end) {
      const log = await host.exec(['tail', '-5', join(host.dir, '../../daemon.log')]);
      throw new Error(`the daemon does not serve: ${stdout}\n${log.stdout}`);
    }
  }
}
