import type { IpCommand, SavedAddress, SavedLink } from '../kernel/types.ts';

/**
 * Commands, for the host's namespace, that make a link again what it was, name apart; only what differs, so that they may be run again
 * whenever a run was cut off. Routes are always among them, as nobody can tell which are missing: those that are there are refused, which does
 * no harm. What the link has besides, others gave it: it stays.
 * @param now the same link, under its own name by now (another link may have had that name)
 * @param elapsedSeconds since `was` was read: addresses with a lifetime are that much older, those that have ended do not come back
 */
export function restoring(was: SavedLink, now: SavedLink, elapsedSeconds: number): IpCommand[] {
  const { name } = was;
  const set = (...words: string[]): IpCommand => ['link', 'set', 'dev', name, ...words];
  const down = now.up && (now.mac !== was.mac || !was.up);
  const missing = missingAddresses(was, now, elapsedSeconds).map((entry) =>
    addressCommand(entry, name, elapsedSeconds),
  );
  return [
    ...(down ? [set('down')] : []),
    ...now.altnames.filter((one) => !was.altnames.includes(one)).map((one) => altname('del', name, one)),
    ...was.altnames.filter((one) => !now.altnames.includes(one)).map((one) => altname('add', name, one)),
    ...(now.alias === was.alias ? [] : [set('alias', writable(was.alias))]),
    ...(now.mac === was.mac ? [] : [set('address', was.mac)]),
    ...(now.mtu === was.mtu ? [] : [set('mtu', String(was.mtu))]),
    ...(was.master === undefined || now.master === was.master ? [] : [set('master', was.master)]),
    // Before the link is up: the kernel makes a link-local address of its own only where there is none.
    ...missing.filter(({ early }) => early).map(({ command }) => command),
    ...(was.up && (down || !now.up) ? [set('up')] : []),
    ...missing.filter(({ early }) => !early).map(({ command }) => command),
    ...was.routes.map((words) => ['route', 'add', ...words]),
  ];
}

/** What is still not as it was; one sentence each, none when all is. */
export function unlike(was: SavedLink, now: SavedLink, elapsedSeconds: number): string[] {
  const facts = (['name', 'mac', 'mtu'] as const).flatMap((fact) =>
    was[fact] === now[fact] ? [] : [`its ${fact} is ${now[fact]}, not ${was[fact]}`],
  );
  return [
    ...facts,
    ...(was.up === now.up ? [] : [`it is ${now.up ? 'up' : 'down'}, and was ${was.up ? 'up' : 'down'}`]),
    ...missingAddresses(was, now, elapsedSeconds).map(({ address }) => `address ${address} is missing`),
  ];
}

function missingAddresses(was: SavedLink, now: SavedLink, elapsedSeconds: number): SavedAddress[] {
  return was.addresses.filter(
    (entry) =>
      (entry.validSeconds === undefined || entry.validSeconds > elapsedSeconds) &&
      !now.addresses.some((held) => held.address === entry.address && held.peer === entry.peer),
  );
}

/** Without a wait for duplicates: it was this NIC's before. An IPv6 address of a link that is down may be lost when it comes up. */
function addressCommand(
  entry: SavedAddress,
  dev: string,
  elapsedSeconds: number,
): { readonly early: boolean; readonly command: IpCommand } {
  const { family, address, peer, broadcast, scope, label, metric, flags, validSeconds, preferredSeconds } = entry;
  const left = (seconds: number): string => String(Math.max(0, Math.floor(seconds - elapsedSeconds)));
  const valid = validSeconds === undefined ? undefined : left(validSeconds);
  const preferred = preferredSeconds === undefined ? undefined : left(preferredSeconds);
  const named: readonly (readonly [string, string | undefined])[] = [
    ['peer', peer],
    ['broadcast', broadcast],
    ['scope', scope],
    ['label', family === 4 ? label : undefined],
    ['metric', metric === undefined ? undefined : String(metric)],
    ['valid_lft', valid],
    ['preferred_lft', preferred],
  ];
  const words = named.flatMap(([word, value]) => (value === undefined ? [] : [word, value]));
  const nodad = family === 6 ? ['nodad'] : [];
  return {
    early: family === 4 || scope === 'link',
    command: ['addr', 'add', address, ...words, 'dev', dev, ...flags, ...nodad],
  };
}

/** An alias may be any text; what cannot stand in a batch of `ip` is lost. */
function writable(alias = ''): string {
  return alias.replaceAll(/[^\S ]|['"#\\]/g, '_');
}

function altname(verb: 'add' | 'del', dev: string, name: string): IpCommand {
  return ['link', 'property', verb, 'dev', dev, 'altname', name];
}

/** Commands that give a link its own name again; all others must wait until that has succeeded, as they would hit another link. */
export function renaming(from: string, to: string): IpCommand[] {
  if (from === to) return [];
  return [
    ['link', 'set', 'dev', from, 'down'],
    ['link', 'set', 'dev', from, 'name', to],
  ];
}
