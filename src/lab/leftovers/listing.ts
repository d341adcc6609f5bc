import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { LabHost } from '../hosts/hosts.ts';
import type { Lab } from '../lab.ts';
import { rootLinkName } from '../run/clean.ts';
import { allPids, commandOf, identify, isAlive, labOf, netnsOf, ownLineage, type ProcessId } from '../run/processes.ts';
import { type Item, type ItemKind, itemKinds, type Listing } from './item.ts';
import { listObjects } from './objects.ts';
import { storeRows } from './rows.ts';

/** Lists every host (with its pods' namespaces by name, and their insides while they run), the fabric, this machine and the API. */
export async function listLab(lab: Lab): Promise<Listing> {
  const running = processes(lab);
  const script = readFileSync(fileURLToPath(new URL('./listing.sh', import.meta.url)), 'utf8');
  const places = await Promise.all([
    ...lab.hosts.map((host) => listHost(lab, script, host)),
    listPlace(
      lab,
      script,
      'fabric',
      ['nsenter', '--target', String(lab.bare.network.fabricPid), '--net', '--'],
      ['machine'],
    ),
    listPlace(lab, script, 'machine', [], ['machine']),
  ]);
  const rows = lab.hosts.flatMap((host) => storeRows(host.dir).map((text) => item('row', host.name, text)));
  // What ends while the listing is made was only passing: a look at the kernel, a probe.
  const lasting = running.filter(({ id }) => isAlive(id)).map(({ what }) => what);
  return [...places.flat(), ...rows, ...lasting, ...(await listObjects(lab.api))];
}

/** The host, and the namespaces of pods in it. */
async function listHost(lab: Lab, script: string, host: LabHost): Promise<Item[]> {
  const own = await listPlace(lab, script, host.name, host.prefix, ['host', '/var/lib/multinic/spool']);
  const names = own.filter(({ kind }) => kind === 'namespace').map(({ text }) => text);
  const pods = await Promise.all(
    names.map((name) =>
      listPlace(lab, script, `${host.name}/${name}`, [...host.prefix, 'ip', 'netns', 'exec', name], ['pod']),
    ),
  );
  return [...own, ...pods.flat()];
}

async function listPlace(
  lab: Lab,
  script: string,
  place: string,
  prefix: readonly string[],
  args: readonly string[],
): Promise<Item[]> {
  const text = await lab.bare.runner.must([...prefix, 'sh', '-c', script, 'listing', ...args]);
  const items = text.split('\n').flatMap((line) => {
    const [kind = '', what = ''] = line.split('\t');
    return isKind(kind) ? [item(kind, place, what)] : [];
  });
  return place === 'machine' ? items.filter(({ text }) => !isOtherLab(text, lab.id) && !isShared(text)) : items;
}

/** Processes that the lab marked or that are in its hosts' namespaces, by their command lines. */
function processes(lab: Lab): { id: ProcessId; what: Item }[] {
  const lineage = ownLineage();
  const places = new Map(lab.hosts.map((host) => [netnsOf(host.pid), host.name]));
  places.set(netnsOf(lab.bare.network.fabricPid), 'fabric');
  return allPids()
    .filter((pid) => !lineage.has(pid) && (labOf(pid) === lab.id || places.has(netnsOf(pid))))
    .flatMap((pid) => {
      const id = identify(pid);
      const what = item('process', places.get(netnsOf(pid)) ?? 'machine', commandOf(pid));
      return id === undefined ? [] : [{ id, what }];
    });
}

/** Another lab's link to its management network, with all that hangs on it, is none of ours. */
function isOtherLab(text: string, id: string): boolean {
  const prefix = rootLinkName('');
  return text.replaceAll(rootLinkName(id), '').includes(prefix);
}

/**
 * The neighbour limits: all labs have them in common, and each that begins or ends may change them. And the mount that `ip netns add`
 * makes when it is called for the first time on a machine, by whomever.
 */
function isShared(text: string): boolean {
  return /^ipv[46]\/neigh\/default\/gc_thresh| at \/(var\/)?run\/netns$/.test(text);
}

function item(kind: ItemKind, place: string, text: string): Item {
  return { kind, place, text };
}

function isKind(text: string): text is ItemKind {
  return itemKinds.some((kind) => kind === text);
}
