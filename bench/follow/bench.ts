import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createClient, type KubeClient } from '../../src/kube/calls/client.ts';
import { trusted } from '../../src/kube/calls/json.ts';
import type { ResourceRef } from '../../src/kube/calls/resource.ts';
import { type ApiServer, startApiServer } from '../../src/lab/apiserver/server.ts';
import type { Report } from '../report.ts';
import { median, ratio, round, spread } from '../statistics.ts';
import type { Followed, Listed } from './follower.ts';

const objects = 2_000;
const events = 4_000;
const configMaps: ResourceRef = { group: '', version: 'v1', plural: 'configmaps', namespace: 'default' };
const sides = ['ours', 'projected', 'peer'] as const;
type Side = (typeof sides)[number];

/** What it costs to follow a resource: a reflector, keeping whole objects or names, against the informer of @kubernetes/client-node. */
export async function benchFollow(rounds: number): Promise<Report> {
  const server = await startApiServer({
    listen: [{ address: '127.0.0.1', port: 0 }],
    tokens: new Map([['secret', 'bench']]),
  });
  const cluster = { server: server.url, tls: {}, authorization: () => Promise.resolve('Bearer secret') };
  const client = createClient({ cluster, userAgent: 'bench-writer' });
  const runs = new Map<Side, (Listed & { readonly followMs: number })[]>(sides.map((side) => [side, []]));
  try {
    for (let at = 0; at < objects; at++) await client.create(configMaps, body(at, 0));
    for (let at = 0; at < rounds; at++) for (const side of sides) runs.get(side)?.push(await run(side, server, client));
  } finally {
    await client.close();
    await server.close();
  }
  const of = (side: Side) => runs.get(side) ?? [];
  const figures = (side: Side) => ({
    bytesPerObject: Math.round(median(of(side).map((one) => one.bytesPerObject))),
    rssMB: Math.round(median(of(side).map((one) => one.rssMB))),
    cpuMsToList: Math.round(median(of(side).map((one) => one.cpuMs))),
    cpuUsPerEvent: Math.round((median(of(side).map((one) => one.followMs)) * 1_000) / events),
  });
  const row = (side: Side, name: string) => {
    const times = of(side).map((one) => one.followMs);
    const { bytesPerObject, rssMB, cpuMsToList } = figures(side);
    const peer = of('peer').map((one) => one.followMs);
    const more = `${bytesPerObject} bytes an object, ${rssMB} MB, ${cpuMsToList} ms CPU until listed`;
    return { name: `${name}: ${more}`, ms: spread(times), ...(side !== 'peer' && { ratio: ratio(times, peer) }) };
  };
  const ours = of('ours').map((one) => one.followMs);
  return {
    title: `follow: ${objects} objects listed, CPU of ${events} events`,
    rows: [
      row('ours', 'src/kube, whole objects'),
      row('projected', 'src/kube, names only'),
      row('peer', '@kubernetes/client-node informer'),
    ],
    json: {
      follow: {
        ...Object.fromEntries(sides.map((side) => [side, figures(side)])),
        ratioToPeer: round(
          ratio(
            ours,
            of('peer').map((one) => one.followMs),
          ),
        ),
      },
    },
  };
}

/** A program of its own, which starts with an empty heap. */
async function run(side: Side, server: ApiServer, client: KubeClient): Promise<Listed & { followMs: number }> {
  const program = new URL('follower.ts', import.meta.url).pathname;
  const argv = ['--expose-gc', program, side, server.url, String(objects), String(events)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`the follower "${side}" has ended`);
    return value;
  };
  const listed = trusted<Listed>(JSON.parse(await next()));
  for (let at = 0; at < events; at++) await client.replace(configMaps, body(at % objects, at + 1));
  const followed = trusted<Followed>(JSON.parse(await next()));
  if (child.exitCode === null) await once(child, 'exit');
  return { ...listed, followMs: followed.cpuMs };
}

/** About as large as a HostInterface of four NICs. */
function body(at: number, change: number) {
  const data = Object.fromEntries(
    Array.from({ length: 8 }, (_, key) => [`key-${key}`, `${change} ${'x'.repeat(120)}`]),
  );
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `object-${at}` }, data };
}
