import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiRequest } from '../../../src/lab/cluster/api.ts';
import type { Lab } from '../../../src/lab/lab.ts';

/** ms without a write after which a change has been told; what came later would be counted with the next. */
const calm = 1000;

/**
 * What daemons write because of a change, in the words of the API server's own log: `host1 update hostinterfaces/host1`, each as often as
 * it was sent, whatever was answered.
 * @param done answers when all that is to be told can be
 */
export async function daemonWrites(
  lab: Lab,
  change: () => Promise<unknown>,
  done: () => Promise<unknown>,
): Promise<string[]> {
  const before = lab.api.requests().length;
  const writes = (): string[] => lab.api.requests().slice(before).filter(isWrite).map(textOf).toSorted();
  await change();
  await done();
  for (let seen = -1; seen !== writes().length; ) {
    seen = writes().length;
    await sleep(calm);
  }
  return writes();
}

function isWrite({ user, verb }: ApiRequest): boolean {
  return user.startsWith('daemon:') && !['get', 'list', 'watch'].includes(verb);
}

function textOf({ user, verb, resource, name, subresource }: ApiRequest): string {
  const path = [resource.replace('.multinic.fms.io', ''), name, subresource].filter((part) => part !== '').join('/');
  return `${user.replace('daemon:', '')} ${verb} ${path}`;
}
