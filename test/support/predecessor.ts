import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '../../src/api/meta.ts';

/** Folder of the manifests that the predecessor takes, one file for what users write and one for what its programs store. */
export const predecessorFolder = join(import.meta.dirname, '../data/predecessor');

/** All objects of the folder, in order of file and document. */
export function predecessorObjects(): KubeObject[] {
  return globSync('*.yaml', { cwd: predecessorFolder })
    .toSorted()
    .flatMap((name) => parseAllDocuments(readFileSync(join(predecessorFolder, name), 'utf8')))
    .map((document): KubeObject => document.toJS());
}

/** Every path below a value, lists as their elements: `spec.interfaces.hostIP`. */
export function pathsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, at));
  if (typeof value !== 'object' || value === null) return [at];
  const below = Object.entries(value).flatMap(([key, child]) => pathsOf(child, at === '' ? key : `${at}.${key}`));
  return at === '' ? below : [at, ...below];
}

/** Every field that the predecessor's CRDs declare (release 1.3.2), by kind; elements of lists without their place. */
export const predecessorFields: Readonly<Record<string, readonly string[]>> = {
  MultiNicNetwork: [
    ...under('spec', 'subnet ipam multiNICIPAM masterNets namespaces'),
    ...under('spec.plugin', 'cniVersion type args capabilities dns'),
    ...under('spec.plugin.dns', 'nameservers domain search options'),
    ...under('spec.attachPolicy', 'strategy target'),
    ...under('status', 'configStatus routeStatus message lastSyncTime'),
    ...under('status.computeResults', 'netAddress numOfHosts'),
    ...under('status.discovery', 'existDaemon infoAvailable cidrProcessed'),
  ],
  CIDR: [
    ...under('spec.config', 'name type subnet masterNets hostBlock interfaceBlock excludeCIDRs vlanMode'),
    ...under('spec.cidr', 'netAddress interfaceIndex vlanCIDR'),
    ...under('spec.cidr.hosts', 'hostIndex hostName interfaceName hostIP podCIDR ippool'),
  ],
  IPPool: [
    ...under('spec', 'podCIDR vlanCIDR netAttachDef hostName interfaceName excludes'),
    ...under('spec.allocations', 'pod namespace index address'),
  ],
  HostInterface: [
    'spec.hostName',
    ...under('spec.interfaces', 'interfaceName netAddress hostIP vendor product pciAddress'),
    ...under('status.stat', 'interfaceName txRate rxRate txDropRate rxDropRate lastTx lastRx lastTxDrop lastRxDrop'),
    ...under('status.stat', 'lastTimestamp count'),
  ],
  Config: [
    ...under('spec', 'cniType ipamType joinPath getInterfacePath addRoutePath deleteRoutePath logLevel'),
    ...under('spec', 'urgentReconcileSeconds normalReconcileMinutes longReconcileMinutes contextTimeoutMinutes'),
    ...under('spec.daemon', 'image port env envFrom nodeSelector tolerations imagePullPolicy imagePullSecretName'),
    ...under('spec.daemon', 'resources securityContext'),
    ...under('spec.daemon.mounts', 'name podpath hostpath'),
  ],
  DeviceClass: under('spec.ids', 'vendor products'),
};

function under(path: string, names: string): string[] {
  return names.split(' ').map((name) => `${path}.${name}`);
}
