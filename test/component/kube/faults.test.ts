import { afterAll, beforeAll, test } from 'vitest';
import { type ApiServer, startApiServer } from '../../../src/lab/apiserver/server.ts';
import { expectRight } from '../../support/faults/judge.ts';
import { faultRuns } from '../../support/faults/runs.ts';
import { seedsOf } from '../../support/faults/seeds.ts';

// The same against a real API server, 1,000 times: test/e2e/kube-faults.test.ts.
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer({
    listen: [{ address: '127.0.0.1', port: 0 }],
    tokens: new Map([['token', 'admin']]),
    bookmarkEvery: 100,
  });
});
afterAll(() => server.close());

test.each([
  ['what servers and networks do', false],
  ['what no server sends: events twice, bookmarks that run ahead', true],
] as const)('copies are as the server after %s', async (_, lies) => {
  const access = { url: server.url, token: 'token' };
  const report = await faultRuns({ access, seeds: seedsOf(1, 60), width: 60, faultsMs: 2_000, lies });
  expectRight(report, lies);
});
