import { CniError, code } from '../api/cni-error.ts';
import { messageOf } from '../api/message-of.ts';

/**
 * Prints the error object of the CNI specification 1.1.0 section 5, ready for stdout. Anything that is no CniError is an
 * internal error, 999; it shows its message, never its stack.
 * @param cniVersion the config's, where known (`statedVersion`)
 */
export function printError(error: unknown, cniVersion = '1.1.0'): string {
  const known = error instanceof CniError ? error : undefined;
  const details = known?.details ?? '';
  return JSON.stringify({
    cniVersion,
    code: known?.code ?? code.internal,
    msg: sentenceOf(error),
    ...(details === '' ? {} : { details }),
  });
}

function sentenceOf(error: unknown): string {
  if (error instanceof CniError) return error.message;
  return `internal error: ${messageOf(error)}`;
}
