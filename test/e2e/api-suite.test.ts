import { describe } from 'vitest';
import { realOrSkip } from './real.ts';

// The suite that holds the embedded API server, held against a real one (test/support/kube-suite.ts).
realOrSkip();

describe('crud', async () => {
  await import('../component/apiserver/crud.test.ts');
});
describe('lifecycle', async () => {
  await import('../component/apiserver/lifecycle.test.ts');
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
