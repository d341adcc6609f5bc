const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `1d3h`, with the smaller unit left out when it is 0. */
function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** A length of time as kubectl prints ages (two figures or so); ms, 0 or more. */
export function humanDuration(ms: number): string {
  if (ms < 0) return '<invalid>';
  if (ms < 2 * minute) return `${Math.floor(ms / second)}s`;
  if (ms < 10 * minute) return pair(ms, minute, 'm', second, 's');
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return pair(ms, hour, 'h', minute, 'm');
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return pair(ms, day, 'd', hour, 'h');
  if (ms < 2 * 365 * day) return `${Math.floor(ms / day)}d`;
  return pair(ms, 365 * day, 'y', day, 'd');
}

/** The age of an RFC 3339 time, `<unknown>` when there is none. */
export function ageOf(time: unknown, now: number): string {
  if (typeof time !== 'string') return '<unknown>';
  const at = Date.parse(time);
  // The server's own clock may be a fraction behind the stamp, which is cut to seconds.
  return Number.isNaN(at) ? '<invalid>' : humanDuration(Math.max(0, now - at));
}
