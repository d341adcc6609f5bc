import type { KubeObject } from '../../api/meta.ts';
import { fieldsOf } from '../../kube/calls/json.ts';

/** What the NVIDIA network operator's device plugin offers under, unless told otherwise. */
const defaultPrefix = 'nvidia.com';

/** The resources of a network of type mellanox, or why none can be told. */
export type MellanoxResources =
  | { readonly ok: true; readonly resources: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Resources of the SR-IOV device plugin that the first NicClusterPolicy (by name; there is meant to be one) deploys:
 * `spec.sriovDevicePlugin.config` is its configuration as text, with `resourceList[]{resourcePrefix, resourceName}`.
 */
export function mellanoxResources(policies: readonly KubeObject[]): MellanoxResources {
  const policy = policies.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))[0];
  if (policy === undefined) {
    return refused(
      'there is no NicClusterPolicy: make one with spec.sriovDevicePlugin, or name resources in plugin.args.resourceName (nvidia.com/hostdev)',
    );
  }
  const where = `NicClusterPolicy ${policy.metadata.name}: spec.sriovDevicePlugin.config`;
  const text = fieldsOf(fieldsOf(policy.spec)['sriovDevicePlugin'])['config'];
  if (typeof text !== 'string') return refused(`${where} is missing: give the device plugin its resourceList there`);
  const list = listOf(text);
  if (list === undefined) return refused(`${where} is no JSON object with a resourceList`);
  const names = list.flatMap((item) => {
    const { resourcePrefix, resourceName } = fieldsOf(item);
    if (typeof resourceName !== 'string' || resourceName === '') return [];
    const prefix = typeof resourcePrefix === 'string' && resourcePrefix !== '' ? resourcePrefix : defaultPrefix;
    return [`${prefix}/${resourceName}`];
  });
  if (names.length === 0) return refused(`${where} has no resourceName in its resourceList`);
  return { ok: true, resources: [...new Set(names)] };
}

function refused(message: string): MellanoxResources {
  return { ok: false, message };
}

function listOf(text: string): readonly unknown[] | undefined {
  try {
    const { resourceList } = fieldsOf(JSON.parse(text));
    return Array.isArray(resourceList) ? resourceList : undefined;
  } catch {
    return undefined;
  }
}
