import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClaimStatus } from '../../../src/api/kinds/hostinterface.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { silent } from '../../../src/kube/logger.ts';
import { nic } from '../../support/operator/hosts.ts';
import { startWorld, type World } from '../../support/operator/world.ts';
import { createHours, type Hours } from '../../support/outage/hours.ts';
import { macvlan } from '../../support/outage/stage.ts';

let world: World;
let hours: Hours;

beforeEach(async () => {
  world = await startWorld();
  hours = createHours(() => 0);
});
afterEach(async () => {
  await world.close();
  hours.close();
});

const start = (): void => world.startOperator(silent, { clock: hours.clock });

async function appear(name: string, number: number, networks: readonly ClaimStatus[] = []): Promise<void> {
  await world.client.create(resources.hostInterfaces, {
    apiVersion: 'multinic.fms.io/v1',
    kind: 'HostInterface',
    metadata: { name },
    spec: { hostName: name, interfaces: [nic(1, number)], networks },
  });
}

/** What the daemon says whose pods still have addresses of the network that went. */
async function heldBy(name: string): Promise<ClaimStatus[]> {
  const entries = (await world.host(name))?.status?.networks ?? [];
  return entries.map(({ name: network, uid, hostIndex, revision, blocks }) => ({
    name: network,
    uid,
    hostIndex,
    revision,
    acknowledged: 'Stopped',
    interfaces: blocks.map(({ interfaceIndex, netAddresses }) => ({ interfaceIndex, netAddresses, ordinal: 0 })),
  }));
}

/** All that multinic keeps at the API goes: the network by force, its ledger, the HostInterfaces. Nodes stay. */
async function lose(operator: 'runs' | 'is away'): Promise<void> {
  if (operator === 'is away') await world.stopOperator();
  const metadata = {
    annotations: { 'multinic.fms.io/force-delete': 'true' },
    ...(operator === 'is away' && { finalizers: null }),
  };
  await world.client.patch(resources.multiNicNetworks, 'net', 'merge', { metadata });
  await world.client.delete(resources.multiNicNetworks, 'net');
  for (const name of ['host-a', 'host-z']) await world.client.delete(resources.hostInterfaces, name);
  await hours.pass(5_000);
  expect(await world.cidr('net')).toBeUndefined();
  // As long as an administrator needs to apply the CRDs again.
  await hours.pass(120_000);
  if (operator === 'is away') start();
}

async function indexes(): Promise<ReadonlyMap<string, number>> {
  const hosts = (await world.slices()).flatMap(({ spec }) => spec?.hosts ?? []);
  return new Map(hosts.map(({ hostName, hostIndex }) => [hostName, hostIndex]));
}

/** host-z holds index 0; host-a, which would be the first by name, comes with nothing. */
async function begin(): Promise<ClaimStatus[]> {
  start();
  for (const name of ['host-z', 'host-a']) await world.addNode(name);
  await appear('host-z', 26);
  await world.apply('net', macvlan());
  await hours.pass(120_000);
  expect(await indexes()).toEqual(new Map([['host-z', 0]]));
  const held = await heldBy('host-z');
  await appear('host-a', 1);
  await hours.pass(5_000);
  return held;
}

const orders = [
  ['network', 'host-a', 'host-z'],
  ['network', 'host-z', 'host-a'],
  ['host-a', 'network', 'host-z'],
  ['host-a', 'host-z', 'network'],
  ['host-z', 'network', 'host-a'],
  ['host-z', 'host-a', 'network'],
] as const;

describe.each(['runs', 'is away'] as const)('all objects lost while the operator %s', (operator) => {
  // A new leader knows less: those orders in which another would be the first to get the index.
  const asked =
    operator === 'runs' ? orders : orders.filter(([first, second]) => first !== 'host-z' && second !== 'host-z');
  it.each(asked)('back in the order %s, %s, %s: who holds an index keeps it', async (...order) => {
    const held = await begin();
    await lose(operator);
    for (const step of order) {
      if (step === 'network') await world.apply('net', macvlan());
      else await appear(step, step === 'host-a' ? 1 : 26, step === 'host-a' ? [] : held);
      await hours.pass(20_000);
    }
    await hours.pass(5_000);
    expect(await indexes()).toEqual(
      new Map([
        ['host-z', 0],
        ['host-a', 1],
      ]),
    );
  });

  it('a host that never comes back is waited for a minute, and named; one whose Node goes is not', async () => {
    await begin();
    await lose(operator);
    await world.apply('net', macvlan());
    await appear('host-a', 1);
    await hours.pass(50_000);
    expect(await world.condition('net', 'Planned')).toMatchObject({
      reason: 'WaitingForHosts',
      message: expect.stringMatching(/Nodes without HostInterface .*: host-z$/),
    });
    expect(await indexes()).toEqual(new Map());
    if (operator === 'runs') await hours.pass(20_000);
    else {
      await world.client.delete(resources.nodes, 'host-z');
      await hours.pass(2_000);
    }
    expect([...(await indexes()).keys()]).toEqual(['host-a']);
  });
});

it('a network of a new name waits for nobody once the operator has run for a minute', async () => {
  await begin();
  await world.addNode('host-without-daemon');
  await world.apply('other', macvlan({ subnet: '172.20.0.0/16' }));
  await hours.pass(2_000);
  expect(await world.cidr('other')).toBeDefined();
});
