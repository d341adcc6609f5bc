import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { HostPlan } from '../../src/api/host.ts';
import type { LinkKind } from '../../src/api/network.ts';
import { isObject } from '../../src/cni/fields.ts';
import { supportedVersions } from '../../src/cni/types.ts';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import { inOwnMounts } from '../support/own-mounts.ts';
import {
  type ServingDaemon,
  type ServingHost,
  type ServingOptions,
  startServingHost,
} from '../support/serving/host.ts';
import { launchOn } from '../support/serving/launch.ts';
import { planOf } from '../support/serving/plan.ts';
import { buildPrograms } from './programs.ts';
import type { Json, NetworkName, Subject } from './subject.ts';
import type { Place } from './suite.ts';

/** NICs of the host; attachments have two of them unless a check asks for more. */
const nics = 3;
const usualNics = 2;
/** Networks are 10.100.0.0/16 and so on. */
const firstSubnet = 100;
/** Each check that uses up a network gets one of its own. */
const tinyNetworks = 24;

/** The host with the daemon, and our plugin on it. */
export interface OurPlace extends Place {
  readonly subject: Subject;
  readonly process: ServingDaemon;
  /** What the host serves. */
  readonly plans: readonly HostPlan[];
  /** Other plans in the store, while no daemon runs. */
  replan(plans: readonly HostPlan[]): Promise<void>;
  /** Rows of the daemon's store, by table. */
  counts(): Promise<Json>;
  close(): Promise<void>;
}

/** What else than usual the host serves. */
export interface OurWish extends Pick<ServingOptions, 'program' | 'settings'> {
  readonly change?: (plan: HostPlan) => HostPlan;
}

/** @param slowness stretches the limits of a slow kernel */
export async function startOurs(
  linkKind: LinkKind,
  root: string,
  slowness: number,
  { change = (plan) => plan, ...more }: OurWish = {},
): Promise<OurPlace> {
  const mode = linkKind === 'ipvlan' ? 'l2' : 'bridge';
  const names = ['usual', 'first', 'second', ...Array.from({ length: tinyNetworks }, (_, index) => `tiny-${index}`)];
  const plans = names.map((name, index) =>
    change(
      planOf({
        network: `conf-${name}`,
        subnet: `10.${firstSubnet + index}.0.0/16`,
        nics,
        linkKind,
        mode,
        firstShorterBy: name.startsWith('tiny') ? 7 : 0,
      }),
    ),
  );
  // As short as a slow kernel allows: some checks wait for it.
  const flags = ['--delegate-timeout', `${3 + slowness}s`];
  const serving = await startServingHost({ nics, plans, flags, root, ...more });
  const { recorder, impatient } = buildPrograms();
  const subject = ourSubject(serving, linkKind, mode, impatient);
  const spawner = launchOn(serving.host);
  return {
    host: serving.host,
    launch: spawner.launch,
    recorder,
    dir: serving.dir,
    slowness,
    subject,
    process: serving.daemon,
    plans,
    replan: (other) => serving.replan(other),
    counts: async () => {
      const counts = await ask(socketOf(serving.host), '/v1/store');
      return isObject(counts) ? counts : {};
    },
    close() {
      spawner.close();
      return serving.close();
    },
  };
}

function ourSubject(serving: ServingHost, linkKind: LinkKind, mode: string, impatient: string): Subject {
  const { host } = serving;
  let tiny = 0;
  let fresh = 250;
  const nameOf = (network: NetworkName): string => {
    if (network !== 'tiny') return `conf-${network}`;
    if (tiny === tinyNetworks) throw new Error(`all ${tinyNetworks} networks of two addresses are used up`);
    return `conf-tiny-${tiny++}`;
  };
  return {
    name: `multinic (${linkKind})`,
    program: '/opt/cni/bin/multi-nic',
    versions: supportedVersions,
    path: ['/opt/cni/bin', '/usr/lib/cni'],
    several: true,
    delegate: { type: linkKind, kind: 'main', folder: '/usr/lib/cni' },
    daemon: {
      hidden: hiddenDaemon,
      impatient,
      log: () => readFileSync(serving.log, 'utf8'),
    },
    config: (cniVersion, wish) => ({
      name: nameOf(wish.network ?? 'usual'),
      type: 'multi-nic',
      ipam: { type: 'multi-nic-ipam', hostBlock: 4, interfaceBlock: 4 },
      dns: {},
      plugin: { cniVersion, type: linkKind, mode },
      multiNICIPAM: true,
      args: { cni: { nics: wish.nics ?? usualNics } },
    }),
    // From the end of the block, where those that are given out in order have not come yet.
    freshAddress: () => `10.${firstSubnet + 2}.1.${fresh--}`,
    held: (containerID) => heldBy(host, containerID),
  };
}

/** For the command that follows there is no socket; where spooled calls go stays. */
const hiddenDaemon = inOwnMounts('mount -t tmpfs none /run/multinic');

function socketOf(host: LabHost): string {
  return `/proc/${host.pid}/root/run/multinic/cni.sock`;
}

/** One text for each address, or for an attachment without any. */
async function heldBy(host: LabHost, containerID: string): Promise<readonly string[]> {
  const list = await ask(socketOf(host), '/v1/attachments');
  return (Array.isArray(list) ? list.filter(isObject) : [])
    .filter((entry) => entry['containerID'] === containerID)
    .flatMap((entry) => {
      const interfaces: readonly Json[] = Array.isArray(entry['interfaces'])
        ? entry['interfaces'].filter(isObject)
        : [];
      const addresses = interfaces.flatMap(({ addresses }) => (Array.isArray(addresses) ? addresses.map(String) : []));
      return addresses.length > 0 ? addresses : [`${String(entry['ifname'])} ${String(entry['state'])}`];
    });
}

function ask(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const request = get({ socketPath, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(JSON.parse(text)));
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}

export function ownVersion(): string {
  const json: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
  return isObject(json) ? String(json['version']) : '';
}
