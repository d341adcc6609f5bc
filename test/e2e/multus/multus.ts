import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readResult } from '../../../src/cni/result.ts';
import type { CniResult } from '../../../src/cni/types.ts';
import { isSupported } from '../../../src/cni/versions.ts';
import { trusted } from '../../../src/kube/calls/json.ts';
import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Lab } from '../../../src/lab/lab.ts';
import { type Attachment, cniPath, PluginError, removeNetns } from '../../../src/lab/pods/attach.ts';
import { callEnvironment, type Sandbox } from '../../../src/lab/pods/config.ts';
import type { LabPod, PreparedPod } from '../../../src/lab/pods/pods.ts';

/** A pod's network of its own, which Multus calls before all others: what a node's CNI configuration names. */
const clusterNetwork = {
  cniVersion: '1.0.0',
  name: 'cluster',
  type: 'macvlan',
  master: 'eth0',
  mode: 'bridge',
};

/** The real Multus (thin), called as a container runtime calls it. */
export interface Multus {
  /** ADD of the whole pod; the result of each network is read from Multus' own cache. @throws PluginError */
  attach(prepared: PreparedPod): Promise<LabPod>;
  /** DEL of the whole pod; the sandbox goes. @throws PluginError */
  detach(pod: LabPod): Promise<void>;
  /** Calls it once, whatever comes of it. @throws PluginError */
  call(command: 'ADD' | 'DEL' | 'CHECK', host: LabHost, sandbox: Sandbox): Promise<string>;
  /** Files that it, or libcni in it, keeps for pods on a host. */
  files(host: LabHost): string[];
}

/**
 * Installs what Multus needs at the lab's API server.
 * @param kubeconfig another than that of its account
 * @param dualStack the cluster network gives IPv6 addresses too, with a default route of each family
 */
export async function installMultus(
  lab: Lab,
  program: string,
  { dualStack = false, kubeconfig: given }: { readonly dualStack?: boolean; readonly kubeconfig?: string } = {},
): Promise<Multus> {
  await lab.api.kubectl(['apply', '--filename=test/e2e/multus/multus.yaml']);
  const kubeconfig = given ?? (await lab.api.kubeconfigOf('account:multus'));
  const call: Multus['call'] = async (command, host, sandbox) => {
    const config = {
      cniVersion: '1.0.0',
      name: 'multus-cni-network',
      type: 'multus',
      kubeconfig,
      delegates: [
        {
          ...clusterNetwork,
          ipam: {
            type: 'host-local',
            ranges: [[{ subnet: `10.244.${host.number}.0/24` }], ...(dualStack ? [[{ subnet: 'fd00:244::/64' }]] : [])],
            routes: [{ dst: '0.0.0.0/0' }, { dst: '10.96.0.0/12' }, ...(dualStack ? [{ dst: '::/0' }] : [])],
          },
        },
      ],
    };
    const request = { namespace: sandbox.namespace, name: 'cluster', ifname: 'eth0', ips: [] };
    const env = callEnvironment(command, sandbox, request, cniPath);
    const outcome = await host.exec([program], { env, input: JSON.stringify(config), timeout: 150_000 });
    if (outcome.code === 0) return outcome.stdout;
    const said = outcome.stdout.trim() || outcome.stderr.trim();
    throw new PluginError(`Multus ${command} for ${sandbox.pod} on ${host.name}: ${said}`, 0);
  };
  return {
    call,
    async attach({ host, sandbox, attachments }) {
      await patient(() => call('ADD', host, sandbox));
      const inNetns = ['ip', 'netns', 'exec', sandbox.netns.slice(sandbox.netns.lastIndexOf('/') + 1)];
      return {
        name: sandbox.pod,
        namespace: sandbox.namespace,
        host,
        sandbox,
        attachments: attachments.map((one) => ({ ...one, result: cachedResult(host, sandbox, one) })),
        exec: (argv, options) => host.exec([...inNetns, ...argv], options),
      };
    },
    async detach({ host, sandbox }) {
      await call('DEL', host, sandbox);
      await removeNetns(host, sandbox.netns);
    },
    files: (host) =>
      ['multus', 'multus/results', 'networks/cluster'].flatMap((folder) =>
        filesIn(join(host.dir, 'var/lib/cni', folder)).filter(
          (name) => !/^(results|lock|last_reserved_ip.*)$/.test(name),
        ),
      ),
  };
}

/**
 * An ADD, again while Multus had done nothing yet: it waits 2.5 s for the pod's object to be shown to it, which is short on a busy
 * machine, and then says so; whoever called it calls it again.
 */
export async function patient(add: () => Promise<string>): Promise<string> {
  for (let left = 20; ; left--) {
    try {
      return await add();
    } catch (error) {
      if (left === 0 || !/error waiting for pod: .*context deadline exceeded/.test(String(error))) throw error;
    }
  }
}

/** What libcni has kept of an ADD. */
function cachedResult(host: LabHost, sandbox: Sandbox, { request, config }: Attachment): CniResult {
  const name = `${config.name}-${sandbox.containerID}-${request.ifname}`;
  const text = readFileSync(join(host.dir, 'var/lib/cni/multus/results', name), 'utf8');
  if (!isSupported(config.cniVersion)) throw new Error(`cniVersion ${config.cniVersion} is none that the lab reads`);
  return readResult(trusted<{ result: unknown }>(JSON.parse(text)).result, config.cniVersion);
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
