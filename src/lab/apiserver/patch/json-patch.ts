import { ApiError, errors } from '../api-error.ts';
import { isFields, sameJson } from '../object.ts';

function failed(message: string): ApiError {
  const text = `the server rejected our request due to an error in our request: ${message}`;
  return new ApiError(422, 'Invalid', text);
}

function stepsOf(pointer: unknown): string[] {
  if (pointer === '') return [];
  if (typeof pointer !== 'string' || !pointer.startsWith('/'))
    throw errors.badRequest(`not a JSON pointer: ${String(pointer)}`);
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(document: unknown, steps: readonly string[], pointer: unknown): unknown {
  let value = document;
  for (const step of steps) {
    const list: readonly unknown[] | undefined =
      Array.isArray(value) && /^(0|[1-9]\d*)$/.test(step) ? value : undefined;
    const next: unknown = list
      ? list[Number(step)]
      : isFields(value) && Object.hasOwn(value, step)
        ? value[step]
        : undefined;
    if (next === undefined) throw failed(`there is nothing at ${String(pointer)}`);
    value = next;
  }
  return value;
}

type Change = 'add' | 'replace' | 'remove';

function changeList(list: unknown[], step: string, change: Change, value: unknown, pointer: unknown): unknown[] {
  const index = step === '-' && change === 'add' ? list.length : Number(step);
  const last = change === 'add' ? list.length : list.length - 1;
  if (!Number.isInteger(index) || index < 0 || index > last) throw failed(`no index ${step} at ${String(pointer)}`);
  return list.toSpliced(index, change === 'add' ? 0 : 1, ...(change === 'remove' ? [] : [value]));
}

/** A copy of the document with one place changed. */
function edit(document: unknown, steps: readonly string[], change: Change, value: unknown, pointer: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  const last = rest.length === 0;
  const child = last ? undefined : edit(read(document, [step], pointer), rest, change, value, pointer);
  if (Array.isArray(document)) {
    return last
      ? changeList(document, step, change, value, pointer)
      : document.map((item, i): unknown => (i === Number(step) ? child : item));
  }
  if (!isFields(document)) throw failed(`there is nothing at ${String(pointer)}`);
  if (last && change !== 'add') read(document, [step], pointer);
  const { [step]: _gone, ...others } = document;
  return last && change === 'remove' ? others : { ...document, [step]: last ? value : child };
}

function apply(document: unknown, operation: Record<string, unknown>): unknown {
  const { op, path, from, value } = operation;
  const steps = stepsOf(path);
  switch (op) {
    case 'add':
    case 'replace':
      return edit(document, steps, op, structuredClone(value), path);
    case 'remove':
      return edit(document, steps, op, undefined, path);
    case 'test':
      if (sameJson(read(document, steps, path), value)) return document;
      throw failed(`testing value ${String(path)} failed`);
    case 'copy':
    case 'move': {
      const found = read(document, stepsOf(from), from);
      const base = op === 'move' ? edit(document, stepsOf(from), 'remove', undefined, from) : document;
      return edit(base, steps, 'add', structuredClone(found), path);
    }
    default:
      throw errors.badRequest(`unknown JSON patch operation ${JSON.stringify(op)}`);
  }
}

/** JSON patch (RFC 6902). Throws ApiError: 400 on a malformed patch, 422 when it does not fit the document. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch) || !patch.every(isFields)) throw errors.badRequest('a JSON patch is a list of operations');
  return patch.reduce<unknown>(apply, document);
}
