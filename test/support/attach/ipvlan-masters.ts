import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Refused } from './client.ts';
import { callOf, createWorld, plansText } from './world.ts';

/**
 * Program for a kernel with ipvlan: networks of three kinds and modes that all want eth1. Prints one JSON object with what
 * came of it.
 */
const world = createWorld(2);

async function main(): Promise<unknown> {
  const harness = await world.start({
    plans: plansText([
      { network: 'l2', kind: 'ipvlan', mode: 'l2', blocks: { eth1: ['10.1.1.0/28'] } },
      { network: 'l3', kind: 'ipvlan', mode: 'l3', blocks: { eth1: ['10.2.1.0/28'] } },
      { network: 'mac', kind: 'macvlan', mode: 'bridge', blocks: { eth1: ['10.3.1.0/28'] } },
      { network: 'other', kind: 'ipvlan', mode: 'l2', blocks: { eth2: ['10.4.1.0/28'] } },
    ]),
  });
  const networks = ['l2', 'l3', 'mac'];
  const codeOf = async (work: Promise<unknown>): Promise<number> =>
    work.then(
      () => 0,
      (error: unknown) => {
        if (error instanceof Refused) return error.code;
        throw error;
      },
    );
  const attach = (network: string, container: string, netns: string): Promise<number> =>
    codeOf(harness.call(callOf('ADD', { network, container, netns })));
  const detach = (network: string, container: string): Promise<number> =>
    codeOf(harness.call(callOf('DEL', { network, container })));

  const pods = networks.map(() => world.pod());
  const race = await Promise.all(networks.map((network, index) => attach(network, network, pods[index] ?? '')));
  const winners = networks.filter((_, index) => race[index] === 0);
  await Promise.all(networks.map((network) => detach(network, network)));

  // Two pods of l3 talk all the time while the others try to get onto their NIC.
  const [one = '', two = '', three = ''] = pods;
  const talk = [await attach('l3', 'a', one), await attach('l3', 'b', two)];
  const peer = (await harness.look()).records.find(({ key }) => key.containerID === 'b')?.result?.ips[0]?.address;
  const ping = spawn('nsenter', [
    `--net=${one}`,
    'fping',
    '-q',
    '-p',
    '50',
    '-c',
    '40',
    '-t',
    '30000',
    peer?.split('/')[0] ?? '',
  ]);
  const report = text(ping.stderr);
  const tries: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    for (const network of ['l2', 'mac']) tries.push(await attach(network, `try-${network}`, three));
  }
  const pings = (await report).match(/xmt\/rcv\/%loss = (\S+?),/)?.[1];
  const modes = (await world.links(one)).map(({ mode }) => mode);
  await Promise.all([detach('l3', 'a'), detach('l3', 'b')]);
  const afterwards = await attach('l2', 'c', three);
  await detach('l2', 'c');

  // A child that somebody else made on the host, in another mode.
  world.namespaces.ip(world.host, 'link', 'add', 'foreign', 'link', 'eth2', 'type', 'ipvlan', 'mode', 'l3');
  const besideForeign = await attach('other', 'd', three);
  world.namespaces.ip(world.host, 'link', 'del', 'foreign');
  const withoutForeign = await attach('other', 'd', three);
  await detach('other', 'd');
  const { counts } = await harness.look();
  return {
    winners: winners.length,
    refused: race.filter((code) => code === 104).length,
    talk,
    tries: [...new Set(tries)],
    pings,
    modes,
    afterwards,
    besideForeign,
    withoutForeign,
    left: [counts['attachments'], counts['masters'], (await world.links(three)).length],
  };
}

try {
  process.stdout.write(`${JSON.stringify(await main())}\n`);
} finally {
  await world.end();
}
