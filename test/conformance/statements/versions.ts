import { type CniVersion, supportedVersions } from '../../../src/cni/types.ts';

/** Configuration versions that a statement covers. */
export const all: readonly CniVersion[] = supportedVersions;
/** About no configuration. */
export const once: readonly CniVersion[] = [];
/** CHECK, and prevResult on DEL. */
export const sinceCheck: readonly CniVersion[] = ['0.4.0', '1.0.0', '1.1.0'];
/** GC and STATUS. */
export const newest: readonly CniVersion[] = ['1.1.0'];
