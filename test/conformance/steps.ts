import { setTimeout as sleep } from 'node:timers/promises';
import { addressesOf, inContainer, objectOf, quiet } from './answers.ts';
import { expect, NotApplicable } from './statement.ts';
import type { Json } from './subject.ts';
import type { CallWish, Pod, Trial } from './trial.ts';

/** A container after a good ADD. */
export interface Attached {
  readonly pod: Pod;
  readonly result: Json;
  /** Addresses without prefix length. */
  readonly addresses: readonly string[];
  /** Names of the interfaces in it. */
  readonly names: readonly string[];
}

/** ADD to a new container. @throws Broken when it fails */
export async function attach(trial: Trial, wish: CallWish = {}): Promise<Attached> {
  return attachTo(trial, await trial.pod(), wish);
}

export async function attachTo(trial: Trial, pod: Pod, wish: CallWish = {}): Promise<Attached> {
  const result = objectOf(await trial.call('ADD', pod, wish), 'ADD');
  const names = inContainer(result).map(({ name }) => String(name));
  return { pod, result, addresses: addressesOf(result), names };
}

/** A good DEL. */
export async function detach(trial: Trial, pod: Pod, what = 'DEL', wish: CallWish = {}): Promise<void> {
  quiet(await trial.call('DEL', pod, wish), what);
}

/** Nothing of the container's attachment is left: no link, nothing in the plugin's books. */
export async function nothingLeft(trial: Trial, pod: Pod, when: string): Promise<void> {
  await noLinks(pod, when);
  await nothingHeld(trial, pod, when);
}

export async function noLinks(pod: Pod, when: string): Promise<void> {
  const links = (await pod.links()).map(({ name }) => name);
  expect(links.length === 0, `${when}: left in the container: ${links.join(', ')}`);
}

export async function nothingHeld({ subject }: Trial, pod: Pod, when: string): Promise<void> {
  const held = (await subject.held(pod.id)) ?? [];
  expect(held.length === 0, `${when}: still held: ${held.join(', ')}`);
}

/** Waits until nothing is left, at most so long. @throws Broken with what is left */
export async function soonNothingLeft(trial: Trial, pod: Pod, when: string, limitMs: number): Promise<void> {
  for (const end = performance.now() + limitMs; ; await sleep(50)) {
    try {
      return await nothingLeft(trial, pod, when);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

/** @throws NotApplicable for a plugin that does not speak the version */
export function requireVersion({ subject }: Trial, version: Trial['version']): void {
  if (subject.versions.includes(version)) return;
  throw new NotApplicable(`it does not speak ${version}`);
}

/** The daemon of the subject. @throws NotApplicable for a plugin without one */
export function daemonOf({ subject }: Trial): NonNullable<Trial['subject']['daemon']> {
  if (subject.daemon === undefined) throw new NotApplicable('it has no daemon');
  return subject.daemon;
}
