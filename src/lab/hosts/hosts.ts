import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createKernel } from '../../kernel/ip.ts';
import type { Kernel } from '../../kernel/types.ts';
import { rootLinkName } from '../run/clean.ts';
import { takeName } from '../run/name-lock.ts';
import type { Outcome, Runner, RunOptions } from '../run/runner.ts';
import type { StateFile } from '../run/state.ts';
import { enterHost } from './enter.ts';
import { fabricScript, hostScript, startHolder } from './holder.ts';
import { pickMgmtPrefix } from './mgmt.ts';
import { fabricCommands, type HostsSpec, hostCommands, type PlannedHost, type PlannedNic, planHosts } from './plan.ts';

/** A host of the lab: namespaces with stock paths. */
export interface LabHost {
  readonly name: string;
  readonly number: number;
  /** The process that holds its namespaces. */
  readonly pid: number;
  /** eth0 (management) first. */
  readonly nics: readonly PlannedNic[];
  /** Its folder on this machine: var/lib/multinic, var/lib/cni. */
  readonly dir: string;
  /** The words to put before a command so that it runs on the host, in `/`. */
  readonly prefix: readonly string[];
  exec(argv: readonly string[], options?: RunOptions): Promise<Outcome>;
}

/** Hosts and the network between them. */
export interface Hosts {
  readonly hosts: readonly LabHost[];
  /** Process that holds the namespace of the bridges. */
  readonly fabricPid: number;
  /** This machine's address on the management network. */
  readonly mgmtAddress: string;
  readonly spec: HostsSpec;
}

/**
 * Makes the fabric and the hosts, cabled and addressed; every process and link is in the state file before it matters.
 * `programs` are copied to each host's /opt/cni/bin.
 */
export async function createHosts(
  runner: Runner,
  file: StateFile,
  spec: HostsSpec,
  programs: readonly string[],
): Promise<Hosts> {
  const kernel = createKernel({ timeoutMs: 120_000 });
  const mgmt = await pickMgmtPrefix(kernel, file.state.id, (prefix) => takeName(`multinic-lab-${prefix}`));
  const planned = planHosts(spec, mgmt);
  const script = hostScript();
  const start = async (name: string, mounts: boolean, text: string, args: readonly string[]) => {
    const pid = await startHolder(runner, { mounts, script: text, args, log: join(file.dir, `${name}.log`) });
    file.addProcess(name, pid);
    return pid;
  };
  const dirOf = (host: PlannedHost) => join(file.dir, 'hosts', host.name);
  for (const host of planned) mkdirSync(dirOf(host), { recursive: true });
  const [fabricPid, ...pids] = await Promise.all([
    start('fabric', false, fabricScript, []),
    ...planned.map((host) => start(host.name, true, script, [dirOf(host), ...programs])),
  ]);
  const hosts = planned.map((host, index) => labHost(runner, host, pids[index] ?? 0, dirOf(host)));
  await cable(kernel, file, { hosts, planned, fabricPid, mgmt, rails: spec.nics });
  return { hosts, fabricPid, mgmtAddress: `${mgmt}.1`, spec };
}

interface Cabling {
  readonly hosts: readonly LabHost[];
  readonly planned: readonly PlannedHost[];
  readonly fabricPid: number;
  readonly mgmt: string;
  readonly rails: number;
}

async function cable(kernel: Kernel, file: StateFile, cabling: Cabling): Promise<void> {
  const { hosts, planned, fabricPid, mgmt } = cabling;
  const pidOf = (host: PlannedHost) => hosts[host.number - 1]?.pid ?? 0;
  await batch(kernel, fabricCommands(planned, cabling.rails, pidOf), fabricPid);
  const link = rootLinkName(file.state.id);
  file.update({ links: [link] });
  const uplink = [
    `link add ${link} type veth peer name uplink netns ${fabricPid}`,
    `address add ${mgmt}.1/24 dev ${link}`,
    `link set ${link} up`,
  ];
  await Promise.all([
    batch(kernel, uplink).then(() => batch(kernel, ['link set uplink master mgmt up'], fabricPid)),
    ...planned.map((host) => batch(kernel, hostCommands(host, `${mgmt}.1`), pidOf(host))),
  ]);
}

function labHost(runner: Runner, host: PlannedHost, pid: number, dir: string): LabHost {
  const prefix = enterHost(pid);
  const exec = (argv: readonly string[], options?: RunOptions) => runner.run([...prefix, ...argv], options);
  return { name: host.name, number: host.number, pid, nics: host.nics, dir, prefix, exec };
}

/** @throws Error with the first command that failed and the kernel's words */
async function batch(kernel: Kernel, lines: readonly string[], pid?: number): Promise<void> {
  const said = await kernel.batch(
    lines.map((line) => line.split(' ')),
    pid === undefined ? undefined : `/proc/${pid}/ns/net`,
  );
  const failed = said.findIndex((words) => words !== undefined);
  if (failed >= 0) throw new Error(`building the lab: "ip ${lines[failed]}": ${said[failed]}`);
}
