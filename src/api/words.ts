/** At most so many names: a message is for reading. */
export function listed(names: readonly string[], most = 5): string {
  const shown = [...names].sort().slice(0, most);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}

/** `1 host`, `2 hosts`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
