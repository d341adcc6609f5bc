import { afterEach, describe, expect, it } from 'vitest';
import { type Listening, serveHealth } from '../../../src/observe/health.ts';
import { createReadiness, type Readiness } from '../../../src/observe/readiness.ts';

const metrics = { contentType: 'text/plain', text: () => Promise.resolve('multinic_build_info 1\n') };
let listening: Listening | undefined;
let readiness: Readiness;

async function serve(listen: string): Promise<string> {
  readiness = createReadiness(['nics', 'plan']);
  listening = await serveHealth(listen, readiness, metrics);
  return listening.at;
}

afterEach(() => listening?.close());

describe('the health port', () => {
  it.each(['127.0.0.1:0', '[127.0.0.1]:0', '[::1]:0'])('listens on %s', async (listen) => {
    const at = await serve(listen);
    expect(await (await fetch(`${at}/healthz`)).text()).toBe('ok');
    expect(await (await fetch(`${at}/metrics`)).text()).toBe('multinic_build_info 1\n');
  });

  it('says what is missing until nothing is', async () => {
    const at = await serve('127.0.0.1:0');
    const ready = async () => {
      const answer = await fetch(`${at}/readyz`);
      return `${answer.status} ${await answer.text()}`;
    };
    expect(await ready()).toBe('503 nics: starting; plan: starting');
    readiness.set('nics', undefined);
    readiness.set('plan', 'the operator has not planned this host');
    expect(await ready()).toBe('503 plan: the operator has not planned this host');
    readiness.set('plan', undefined);
    expect(await ready()).toBe('200 ok');
  });

  it('changes nothing: other methods and paths are not there', async () => {
    const at = await serve('127.0.0.1:0');
    const answers = await Promise.all([
      fetch(`${at}/metrics`, { method: 'PUT', body: 'x' }),
      fetch(`${at}/cni`, { method: 'POST', body: '{}' }),
      fetch(`${at}/v1/attachments`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it.each(['11000', 'localhost:', '127.0.0.1:x', '127.0.0.1:70000'])('refuses "%s"', async (listen) => {
    await expect(serve(listen)).rejects.toThrow(`--health-listen "${listen}": write address:port`);
  });

  it('that is taken is an error', async () => {
    const at = await serve('127.0.0.1:0');
    const again = serveHealth(at.replace('http://', ''), readiness, metrics);
    await expect(again).rejects.toThrow('EADDRINUSE');
  });

  it('answers 500 when metrics cannot be had, and goes on', async () => {
    readiness = createReadiness([]);
    const broken = { contentType: 'text/plain', text: () => Promise.reject(new Error('the disk is gone')) };
    listening = await serveHealth('127.0.0.1:0', readiness, broken);
    const answer = await fetch(`${listening.at}/metrics`);
    expect([answer.status, await answer.text()]).toEqual([500, 'Error: the disk is gone']);
    expect((await fetch(`${listening.at}/readyz`)).status).toBe(200);
  });

  it('off listens nowhere', async () => {
    expect(await serve('off')).toBe('off');
  });
});
