import { type CniVersion, supportedVersions } from './types.ts';

/** Versions written alike have one digit a part, so text order is version order. */
export function isOlder(version: CniVersion, than: CniVersion): boolean {
  return version < than;
}

export function isSupported(version: unknown): version is CniVersion {
  return supportedVersions.some((supported) => supported === version);
}
