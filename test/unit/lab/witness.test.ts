import { expect, test } from 'vitest';
import type { ApiRequest } from '../../../src/lab/cluster/api.ts';
import type { Lab, PodSpec } from '../../../src/lab/lab.ts';
import { witnessed } from '../../support/scenario/witness.ts';

// The witness of scenarios, at logs that somebody made up.
const pod: PodSpec = Object({ name: 'a', networks: 'net' });
const request = (text: string, more: object = {}): ApiRequest => {
  const [user = '', verb = '', resource = '', name = ''] = text.split(' ');
  return { time: Date.now(), user, verb, resource, name, subresource: '', namespace: '', code: 200, ...more };
};

/** What `close` says when these requests arrive during an ADD, and those after it. */
async function verdict(during: readonly ApiRequest[], after: readonly ApiRequest[] = []): Promise<string> {
  const log: ApiRequest[] = [];
  const never = (): Promise<never> => Promise.reject(new Error('not called'));
  const lab: Pick<Lab, 'addPod' | 'runPod' | 'removePod' | 'close'> & { api: { requests: () => ApiRequest[] } } = {
    api: { requests: () => log },
    addPod: () => {
      log.push(...during.map((one) => ({ ...one, time: Date.now() })));
      return Promise.resolve(Object({}));
    },
    runPod: never,
    removePod: never,
    close: () => Promise.resolve(),
  };
  const seen = witnessed(lab);
  await seen.addPod(pod);
  log.push(...after.map((one) => ({ ...one, time: Date.now() + 1000 })));
  return seen.close().then(
    () => 'nothing',
    (error: unknown) => String(error),
  );
}

test.each([
  'daemon:host1 get pods a',
  'daemon:host2 create events a',
  'daemon:host1 delete hostinterfaces.multinic.fms.io host1',
])('tells of a call that no ADD may make: %s', async (call) => {
  expect(await verdict([request(call)])).toContain(`during ADD of a: ${call}: 200`);
});

test('is silent about what ADD does not cause', async () => {
  const others = [
    'operator get nodes host1',
    'admin create pods a',
    'daemon:host1 update ippools.multinic.fms.io net-10.0.0.0-24',
    'daemon:host1 watch hostinterfaces.multinic.fms.io',
    'daemon:host1 delete ippools.multinic.fms.io old-10.0.0.0-24',
  ];
  expect(
    await verdict(
      others.map((call) => request(call)),
      [request('daemon:host1 get pods a')],
    ),
  ).toBe('nothing');
});

test('tells of a program with an account that is not its own', async () => {
  const agent = 'multinic-daemon/0.1.0';
  expect(await verdict([], [request('admin list nodes', { agent })])).toContain('not by its own account: admin list');
  expect(await verdict([], [request('daemon:host1 list nodes', { agent })])).toBe('nothing');
});
