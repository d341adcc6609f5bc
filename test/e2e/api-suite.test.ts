import { afterAll, beforeAll, describe } from 'vitest';
import { realEtcd, realServer } from '../support/kube-suite.ts';
import { type Alone, startAlone } from './control-plane/alone.ts';
import { realOrSkip } from './real.ts';

// The suite that holds the embedded API server, held against a real one (test/support/kube-suite.ts).
const real = realOrSkip();
let alone: Alone | undefined;
beforeAll(async () => {
  if (real === undefined) return;
  alone = await startAlone(real, {
    // A list is continued from etcd, or not at all: else memory of its own would hide that etcd's history was cut.
    apiserver: ['--feature-gates=ListFromCacheSnapshot=false,WatchList=true'],
    // How far it is, for bookmarks of kinds in which nothing changes.
    etcd: ['--watch-progress-notify-interval=500ms'],
  });
  process.env[realServer] = alone.kubeconfig;
  process.env[realEtcd] = alone.etcd;
});
afterAll(() => alone?.close());

describe('crud', async () => {
  await import('../component/apiserver/crud.test.ts');
});
describe('lifecycle', async () => {
  await import('../component/apiserver/lifecycle.test.ts');
  // After the kinds of the suite were defined.
  beforeAll(() => alone?.relearn());
});
describe('list and watch', async () => {
  await import('../component/apiserver/list-watch.test.ts');
});
describe('patches and tables', async () => {
  await import('../component/apiserver/patch-table.test.ts');
});
describe('validation', async () => {
  await import('../component/apiserver/validation.test.ts');
});
describe('manifests of the predecessor', async () => {
  await import('../component/apiserver/predecessor.test.ts');
});
