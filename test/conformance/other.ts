import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isObject } from '../../src/cni/fields.ts';
import { supportedVersions } from '../../src/cni/types.ts';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import { createBareLab } from '../../src/lab/run/bare-lab.ts';
import { formatAddress } from '../../src/net/address.ts';
import { addressAt, parsePrefix } from '../../src/net/prefix.ts';
import type { Launch } from '../../src/spawner/types.ts';
import { launchOn } from '../support/serving/launch.ts';
import { buildPrograms } from './programs.ts';
import { runProgram } from './run-program.ts';
import { NotApplicable } from './statement.ts';
import type { ConfigWish, DelegateInfo, Json, Subject } from './subject.ts';
import type { Place } from './suite.ts';
import { systemPath } from './trial.ts';

/** A bare host of the lab (NICs eth1 to eth3), and any CNI plugin on it. */
export async function startOther(
  plugin: string,
  configFile: string,
  root: string,
): Promise<Place & { subject: Subject; close(): Promise<void> }> {
  const config = readConfig(configFile);
  mkdirSync(root, { recursive: true });
  const lab = await createBareLab({ root, hosts: 1, nics: 3, families: [4] });
  try {
    const [host] = lab.network.hosts;
    if (host === undefined) throw new Error('the lab has no host');
    const { launch, close: closeLaunch } = launchOn(host);
    const subject = await otherSubject(host, launch, plugin, config);
    const close = () => {
      closeLaunch();
      return lab.close();
    };
    return {
      host,
      launch,
      recorder: buildPrograms().recorder,
      dir: lab.dir,
      slowness: 1,
      subject,
      refresh: () => keepDevice(launch, config),
      close,
    };
  } catch (error) {
    await lab.close();
    throw error;
  }
}

/** A NIC that a plugin moves is one of a lab, which goes with the pod's namespace when the plugin does not bring it back in time. */
async function keepDevice(launch: Launch, { device }: Json): Promise<void> {
  if (typeof device !== 'string') return;
  const ip = (...args: string[]) =>
    runProgram(launch, ['ip', ...args], { env: { PATH: systemPath }, stdin: '', limitMs: 60_000 });
  if ((await ip('link', 'show', 'dev', device)).status === 0) return;
  await ip('link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}-peer`);
  await ip('link', 'set', 'dev', `${device}-peer`, 'up');
}

/** One plugin's configuration, or the first of a list. @throws Error when it is neither */
function readConfig(file: string): Json {
  const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isObject(json)) throw new Error(`${file}: a network configuration is a JSON object`);
  const { cniVersion: _each, plugins, ...single } = json;
  if (!Array.isArray(plugins)) return single;
  const first: unknown = plugins[0];
  if (!isObject(first)) throw new Error(`${file}: plugins is empty`);
  return { ...first, name: json['name'] };
}

async function otherSubject(host: LabHost, launch: Launch, plugin: string, config: Json): Promise<Subject> {
  const path = [dirname(plugin), ...['/opt/cni/bin', '/usr/lib/cni'].filter((folder) => folder !== dirname(plugin))];
  const delegate = delegateOf(config, path);
  let tiny = 0;
  return {
    name: basename(plugin),
    program: plugin,
    versions: await versionsOf(launch, plugin),
    path,
    several: false,
    ...(delegate === undefined ? {} : { delegate }),
    config(_version, { network = 'usual' }: ConfigWish) {
      const name = `${String(config['name'])}${network === 'usual' ? '' : `-${network}`}`;
      if (network !== 'tiny') return { ...config, name };
      return { ...config, name: `${name}-${tiny++}`, ipam: twoAddresses(config['ipam']) };
    },
    held: async (containerID) => heldBy(host, config, containerID),
  };
}

async function versionsOf(launch: Launch, plugin: string): Promise<Subject['versions']> {
  const env = { CNI_COMMAND: 'VERSION', CNI_PATH: dirname(plugin) };
  const run = await runProgram(launch, [plugin], { env, stdin: '{"cniVersion":"1.0.0"}', limitMs: 60_000 });
  const answer: unknown = run.status === 0 ? JSON.parse(run.stdout) : undefined;
  const listed: unknown = isObject(answer) ? answer['supportedVersions'] : undefined;
  if (!Array.isArray(listed)) throw new Error(`${plugin} does not answer VERSION: ${run.stdout}${run.stderr}`);
  return supportedVersions.filter((version) => listed.includes(version));
}

/** What a usual plugin runs is its IPAM plugin. */
function delegateOf({ ipam }: Json, path: readonly string[]): DelegateInfo | undefined {
  const type = isObject(ipam) ? ipam['type'] : undefined;
  if (typeof type !== 'string' || !/^[\w.-]+$/.test(type)) return undefined;
  const folder = path.find((one) => existsSync(join(one, type)));
  return folder === undefined ? undefined : { type, kind: 'ipam', folder };
}

function twoAddresses(ipam: unknown): Json {
  const subnet = isObject(ipam) && ipam['type'] === 'host-local' ? ipam['subnet'] : undefined;
  if (!isObject(ipam) || typeof subnet !== 'string') {
    throw new NotApplicable('only host-local with a subnet is known to run out of addresses');
  }
  const prefix = parsePrefix(subnet);
  const at = (offset: bigint) => formatAddress(addressAt(prefix, offset));
  return { ...ipam, rangeStart: at(100n), rangeEnd: at(101n) };
}

/** Files of host-local that name the container; other IPAM plugins' books are not known here. */
function heldBy(host: LabHost, { ipam }: Json, containerID: string): readonly string[] | undefined {
  if (!isObject(ipam) || ipam['type'] !== 'host-local') return undefined;
  const dataDir = typeof ipam['dataDir'] === 'string' ? ipam['dataDir'] : '/var/lib/cni/networks';
  const root = `/proc/${host.pid}/root${dataDir}`;
  if (!existsSync(root)) return [];
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^[\d.]+$/.test(entry.name))
    .filter((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8').startsWith(containerID))
    .map((entry) => entry.name);
}
