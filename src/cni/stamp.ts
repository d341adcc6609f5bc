import type { Stamp } from './types.ts';

/**
 * Whether `a` started after `b`. CLOCK_BOOTTIME decides within one boot; a stamp of the current boot is later than one of
 * any other. Of two different earlier boots nobody knows the order: true both ways, because nothing of either still runs
 * and the caller that asks is a DEL that should clean up. Equal stamps: false.
 */
export function later(a: Stamp, b: Stamp, currentBootId: string): boolean {
  if (a.bootId === b.bootId) return a.ns > b.ns;
  return b.bootId !== currentBootId;
}

const form = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(0|[1-9]\d{0,18})$/;

/** Prints `<boot id>/<ns>`, the form in which the shim sends it. */
export function formatStamp(stamp: Stamp): string {
  return `${stamp.bootId}/${stamp.ns}`;
}

/** Reads what formatStamp prints; undefined when it is something else. */
export function parseStamp(text: string): Stamp | undefined {
  const [, bootId, ns] = form.exec(text) ?? [];
  return bootId === undefined || ns === undefined ? undefined : { bootId, ns: BigInt(ns) };
}
