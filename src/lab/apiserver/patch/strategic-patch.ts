import { type Fields, isFields, sameJson } from '../object.ts';

/**
 * Lists of the built-in kinds that strategic merge joins by a key; lists that are not named here are replaced whole.
 * From the patchMergeKey tags of the Kubernetes API types.
 */
const mergeKeys: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  addresses: ['type'],
  taints: ['key'],
  ownerReferences: ['uid'],
  containers: ['name'],
  initContainers: ['name'],
  volumes: ['name'],
  env: ['name'],
  imagePullSecrets: ['name'],
  secrets: ['name'],
  volumeMounts: ['mountPath'],
  ports: ['containerPort', 'port'],
};

/** Lists of plain values that merge as sets. */
const setLists = new Set(['finalizers', 'podCIDRs']);

function elementKey(field: string, item: Fields): string | undefined {
  return mergeKeys[field]?.find((key) => item[key] !== undefined);
}

function mergeElements(field: string, target: readonly unknown[], patch: readonly Fields[]): unknown[] {
  if (patch.some((item) => item.$patch === 'replace')) return patch.filter((item) => item.$patch !== 'replace');
  let result = [...target];
  for (const item of patch) {
    const key = elementKey(field, item);
    const { $patch: directive, ...wanted } = item;
    const at = key === undefined ? -1 : result.findIndex((old) => isFields(old) && sameJson(old[key], item[key]));
    if (directive === 'delete') result = result.filter((_, i) => i !== at);
    else if (at < 0) result.push(strategicMerge(undefined, wanted));
    else result = result.with(at, strategicMerge(result[at], wanted));
  }
  return result;
}

function mergeList(field: string, target: unknown, patch: readonly unknown[]): unknown[] {
  const old: readonly unknown[] = Array.isArray(target) ? target : [];
  if (setLists.has(field)) return [...old, ...patch.filter((item) => !old.includes(item))];
  if (mergeKeys[field] === undefined || !patch.every(isFields)) return [...patch];
  return mergeElements(field, old, patch);
}

/** Puts the elements that the patch orders into that order; others keep their place behind them. */
function reorder(field: string, list: unknown, order: unknown): unknown {
  if (!Array.isArray(list) || !Array.isArray(order)) return list;
  const place = (item: unknown): number => {
    const at = order.findIndex((wanted) => {
      if (!isFields(wanted) || !isFields(item)) return sameJson(wanted, item);
      const key = elementKey(field, wanted);
      return key !== undefined && sameJson(wanted[key], item[key]);
    });
    return at < 0 ? order.length : at;
  };
  return list.toSorted((a, b) => place(a) - place(b));
}

function withoutValues(list: unknown, values: unknown): unknown {
  if (!Array.isArray(list) || !Array.isArray(values)) return list;
  return list.filter((item) => !values.includes(item));
}

/** Kubernetes' strategic merge patch as kubectl sends it for built-in kinds, with its `$…` directives. */
export function strategicMerge(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...fields } = patch;
  if (directive === 'delete') return {};
  let result: Fields = isFields(target) && directive !== 'replace' ? { ...target } : {};
  if (Array.isArray(retained)) {
    result = Object.fromEntries(Object.entries(result).filter(([field]) => retained.includes(field)));
  }
  const orders: [string, unknown][] = [];
  for (const [field, value] of Object.entries(fields)) {
    const [mark, name = ''] = field.startsWith('$') ? field.split('/', 2) : [];
    if (mark === '$deleteFromPrimitiveList') result[name] = withoutValues(result[name], value);
    else if (mark === '$setElementOrder') orders.push([name, value]);
    else if (value === null) delete result[field];
    else
      result[field] = Array.isArray(value)
        ? mergeList(field, result[field], value)
        : strategicMerge(result[field], value);
  }
  for (const [name, order] of orders) result[name] = reorder(name, result[name], order);
  for (const [name] of orders) if (result[name] === undefined) delete result[name];
  return result;
}
