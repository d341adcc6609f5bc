import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { CniResult } from '../../../src/cni/types.ts';
import { formatInterfaceAddress } from '../../../src/net/prefix.ts';
import type { Harness } from './client.ts';
import type { World } from './world.ts';

/** A pod as a runtime knows it. */
export interface KnownPod {
  readonly netns: string;
  readonly container: string;
  /** The answer to its ADD, unless a call is without answer. */
  readonly answer: CniResult | undefined;
}

/**
 * What must hold right after a start, before any call: every record is answered and whole, the pods carry exactly what the
 * records say, no address is anywhere twice, and every answer that a runtime was given is still true.
 */
export async function expectConsistent(world: World, harness: Harness, pods: readonly KnownPod[]): Promise<void> {
  const { records, counts } = await harness.look();
  expect(records.map(({ state }) => state).filter((state) => state !== 'ready')).toEqual([]);
  const held = records.reduce((sum, { addresses }) => sum + addresses.length, 0);
  expect(counts).toMatchObject({ attachments: records.length, addresses: held, masters: held });
  const everywhere: string[] = [];
  for (const pod of pods) {
    const links = await world.links(pod.netns);
    const carried = links.flatMap((link) =>
      link.addresses
        .filter(({ address }) => address.family === 4)
        .map(({ address, prefix }) => `${link.name} ${link.mac} ${formatInterfaceAddress(address, prefix.length)}`),
    );
    const recorded = records.filter(({ netns }) => netns === pod.netns).flatMap(({ result }) => linesOf(result));
    expect(carried.sort(), pod.netns).toEqual(recorded.sort());
    expect(links, pod.netns).toHaveLength(recorded.length);
    everywhere.push(...carried.map((line) => line.slice(line.lastIndexOf(' ') + 1)));
    if (pod.answer === undefined) continue;
    const record = records.find(({ key }) => key.containerID === pod.container);
    expect(record?.result, `answer to ${pod.container}`).toEqual(pod.answer);
  }
  expect(new Set(everywhere).size, 'addresses in pods').toBe(everywhere.length);
}

function linesOf(result: CniResult | undefined): string[] {
  return (result?.ips ?? []).map(({ address, interface: index = -1 }) => {
    const made = result?.interfaces[index];
    return `${made?.name} ${made?.mac} ${address}`;
  });
}

/** Processes that carry the mark of that owner: delegates of the harness, and what starts them for one that is gone. */
export function orphansOf(owner: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      if (!/^\d+$/.test(pid) || !readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`MULTINIC_OWNER=${owner}`))
        return false;
      return !isSpawnerOf(pid, 'harness.ts');
    } catch {
      return false;
    }
  });
}

/** Whether it starts the programs of a living process of that name. */
function isSpawnerOf(pid: string, name: string): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
  return stat.includes('(spawner)') && readFileSync(`/proc/${parent}/cmdline`, 'utf8').includes(name);
}
