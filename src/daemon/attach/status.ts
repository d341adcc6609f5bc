import { CniError, code } from '../../api/cni-error.ts';

/** STATUS: whether an ADD could be served now. @throws CniError 50 with the reason */
export function status(ready: true | string): void {
  if (ready !== true) throw new CniError(code.notAvailable, `this host's multinic daemon is not ready: ${ready}`);
}
