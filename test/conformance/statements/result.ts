import { isIP } from 'node:net';
import { formatAddress } from '../../../src/net/address.ts';
import { addressesOf, inContainer, items, objectOf, refused } from '../answers.ts';
import { shapeProblems } from '../shape.ts';
import { expect, type Statement } from '../statement.ts';
import { attach } from '../steps.ts';
import type { Pod, Trial } from '../trial.ts';
import { all } from './versions.ts';

export const resultStatements: readonly Statement[] = [
  {
    id: 17,
    title: "the result has its configuration's cniVersion and that version's form",
    versions: all,
    everyVersion: true,
    async run(trial) {
      const { result } = await attach(trial);
      const problems = shapeProblems(result, trial.version);
      expect(problems.length === 0, problems.join('; '));
      expect(items(result, 'interfaces').length > 0, 'there are no interfaces in it');
      expect(items(result, 'ips').length > 0, 'there are no addresses in it');
    },
  },
  {
    id: 18,
    title: 'one interface is CNI_IFNAME; others have stable, short names that are not taken',
    versions: all,
    async run(trial) {
      for (const ifname of ['net1', 'a23456789012345']) {
        const first = await attach(trial, { ifname, nics: 3 });
        const second = await attach(trial, { ifname, nics: 3 });
        expect(
          sameMembers(first.names, second.names),
          `two containers: ${first.names.join()} and ${second.names.join()}`,
        );
        expect(
          first.names.filter((name) => name === ifname).length === 1,
          `no single ${ifname}: ${first.names.join()}`,
        );
        expect(new Set(first.names).size === first.names.length, `a name comes twice: ${first.names.join()}`);
        const others = first.names.filter((name) => name !== ifname);
        const wrong = others.filter((name) => Buffer.byteLength(name) > 15 || /^net\d+$/.test(name));
        expect(wrong.length === 0, `names that are too long or that Multus will give: ${wrong.join()}`);
        const real = (await first.pod.links()).map(({ name }) => name);
        expect(sameMembers(real, first.names), `the container has ${real.join()}, the result ${first.names.join()}`);
        if (ifname === 'net1') await takenName(trial, others.at(-1));
      }
    },
  },
  {
    id: 19,
    title: 'each interface has sandbox and mac, each address the index of its interface',
    versions: all,
    async run(trial) {
      const { pod, result } = await attach(trial);
      const links = await pod.links();
      const interfaces = items(result, 'interfaces');
      for (const { name, mac, sandbox } of inContainer(result)) {
        const link = links.find((one) => one.name === name);
        if (link === undefined) expect(false, `interface ${String(name)} is not in the container`);
        else expect(mac === link.mac, `${String(name)} has MAC ${link.mac}, the result says ${String(mac)}`);
        expect(sandbox === pod.netns, `sandbox of ${String(name)} is ${String(sandbox)}`);
      }
      expect(inContainer(result).length === links.length, 'the result has not the interfaces of the container');
      for (const { address, interface: index } of items(result, 'ips')) {
        const name = typeof index === 'number' ? interfaces[index]?.['name'] : undefined;
        const link = links.find((one) => one.name === name);
        const held = link?.addresses.map((one) => `${formatAddress(one.address)}/${one.prefix.length}`) ?? [];
        expect(
          held.includes(String(address)),
          `${String(address)} points to ${String(name)}, which has ${held.join()}`,
        );
      }
    },
  },
  {
    id: 20,
    title: 'addresses have their prefix length, gateways are there only where there is one',
    versions: all,
    async run(trial) {
      const { result } = await attach(trial);
      expect(items(result, 'ips').length > 0, 'there is no address');
      for (const { address, gateway } of items(result, 'ips')) {
        expect(/^[0-9a-f.:]+\/\d{1,3}$/.test(String(address)), `address ${String(address)}`);
        expect(
          gateway === undefined || isIP(typeof gateway === 'string' ? gateway : '') !== 0,
          `gateway ${JSON.stringify(gateway)}`,
        );
        expect(gateway !== '0.0.0.0' && gateway !== '::', `gateway ${JSON.stringify(gateway)}`);
      }
    },
  },
  {
    id: 21,
    title: 'an interface of that name is there already: error, and it stays as it is',
    versions: all,
    async run(trial) {
      const pod = await trial.pod();
      await refusesTaken(trial, pod, 'net1');
    },
  },
  {
    id: 27,
    title: "prevResult is kept: its interfaces first, the plugin's own indices behind them",
    versions: all,
    run: keepsPrevious,
  },
];

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join();
}

async function takenName(trial: Trial, name: string | undefined): Promise<void> {
  if (name === undefined) return;
  const pod = await trial.pod();
  await refusesTaken(trial, pod, name);
}

/** A link of that name stands in the way: ADD fails, and the link is the same afterwards. */
async function refusesTaken(trial: Trial, pod: Pod, name: string): Promise<void> {
  await pod.ip('link', 'add', name, 'type', 'bridge');
  const before = (await pod.links()).find((link) => link.name === name);
  refused(await trial.call('ADD', pod, { nics: 3 }), `ADD where ${name} exists`);
  const after = (await pod.links()).find((link) => link.name === name);
  expect(after?.mac === before?.mac && after?.index === before?.index, `${name} is another link now, or gone`);
  expect((await pod.links()).length === 1, `ADD where ${name} exists left other links`);
}

async function keepsPrevious(trial: Trial): Promise<void> {
  const pod = await trial.pod();
  const old = trial.version.startsWith('0.');
  const before = [
    { name: 'cni0', mac: '02:00:00:00:00:01' },
    { name: 'eth0', mac: '02:00:00:00:00:02', sandbox: pod.netns },
  ];
  const ip = { ...(old ? { version: '4' } : {}), address: '10.9.8.7/24', gateway: '10.9.8.1', interface: 1 };
  const prevResult = {
    cniVersion: trial.version,
    interfaces: before,
    ips: [ip],
    routes: [{ dst: '0.0.0.0/0' }],
    dns: {},
  };
  const result = objectOf(await trial.call('ADD', pod, { config: { prevResult } }), 'ADD with prevResult');
  const names = items(result, 'interfaces').map(({ name }) => String(name));
  expect(names[0] === 'cni0' && names[1] === 'eth0', `the interfaces are ${names.join()}`);
  expect(items(result, 'interfaces')[1]?.['sandbox'] === pod.netns, 'sandbox of eth0 was changed');
  const [first, ...own] = items(result, 'ips');
  expect(
    first?.['address'] === ip.address && first['interface'] === 1,
    `the first address is ${JSON.stringify(first)}`,
  );
  expect(own.length > 0 && names.length > 2, 'there is nothing of its own behind it');
  const links = await pod.links();
  for (const { address, interface: index } of own) {
    const name = typeof index === 'number' ? names[index] : undefined;
    const link = links.find((one) => one.name === name);
    const held = link?.addresses.map((one) => formatAddress(one.address)) ?? [];
    expect(held.includes(String(address).replace(/\/.*/, '')), `${String(address)} points to ${String(name)}`);
  }
  const routes = items(result, 'routes').map(({ dst }) => dst);
  expect(routes.includes('0.0.0.0/0'), 'the routes of before are gone');
  expect(addressesOf(result).length === own.length + 1, 'addresses are wrong');
  const problems = shapeProblems(result, trial.version);
  expect(problems.length === 0, problems.join('; '));
}
