import { isFields } from '../object.ts';

type Step = (values: readonly unknown[]) => unknown[];

const token =
  /\.?\[\?\(@((?:\.[\w-]+)+)\s*==\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))\)\]|\.?\[\*\]|\.\*|\[(-?\d+)\]|\['([^']+)'\]|\.((?:\\.|[^.[\\])+)/y;

function children(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  return isFields(value) ? Object.values(value) : [];
}

function childStep(name: string): Step {
  return (values) => values.flatMap((value) => (isFields(value) && Object.hasOwn(value, name) ? [value[name]] : []));
}

function filterStep(path: string, wanted: string): Step {
  const find = jsonPath(path);
  return (values) => values.flatMap(children).filter((value) => find(value).some((found) => String(found) === wanted));
}

function stepOf(match: RegExpExecArray): Step {
  const [text, filterPath, double, single, bare, index, quoted, name] = match;
  if (filterPath !== undefined) return filterStep(filterPath, double ?? single ?? bare ?? '');
  if (index !== undefined) {
    const at = Number(index);
    return (values) => values.flatMap((value) => (Array.isArray(value) ? value.slice(at, at + 1 || undefined) : []));
  }
  const child = quoted ?? name?.replaceAll(/\\(.)/g, '$1');
  if (child !== undefined && text !== '.*') return childStep(child);
  return (values) => values.flatMap(children);
}

/**
 * Compiles the part of JSONPath that printer columns use: names (`.a`, `['a']`, `\.` in names), `[0]`, `[*]` and
 * filters `[?(@.type=="Ready")]`. The result gives all values found. Throws on anything else.
 */
export function jsonPath(path: string): (value: unknown) => unknown[] {
  const steps: Step[] = [];
  const scan = new RegExp(token); // its own lastIndex: filters recurse
  while (scan.lastIndex < path.length) {
    const at = scan.lastIndex;
    const match = scan.exec(path);
    if (!match) throw new Error(`cannot read JSONPath ${path} from "${path.slice(at)}" on`);
    steps.push(stepOf(match));
  }
  return (value) => steps.reduce<unknown[]>((values, step) => step(values), [value]);
}
