/** Longest link name: IFNAMSIZ without its NUL, in bytes. */
const longest = 15;

/**
 * Names of an attachment's interfaces: exactly CNI_IFNAME first (Multus looks for it), then `<ifname>-1`, `<ifname>-2` ….
 * A name that would be too long keeps the head of CNI_IFNAME and a hash of the whole of it, so that it is the same on each
 * call and differs between attachments. None looks like a name that Multus gives (`net<k>`).
 * @param ifname CNI_IFNAME, at most 15 bytes
 * @param count of NICs, 1…9999
 */
export function interfaceNames(ifname: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? ifname : extraName(ifname, index)));
}

/** Alternative name of the first interface: what the predecessor called it, and applications' settings still do. */
export function alternativeName(ifname: string): string {
  return `${ifname}-0`;
}

function extraName(ifname: string, index: number): string {
  const plain = `${ifname}-${index}`;
  if (Buffer.byteLength(plain) <= longest) return plain;
  const tail = `${hash(ifname)}-${index}`;
  return `${head(ifname, longest - tail.length)}${tail}`;
}

/** As many whole characters as fit the bytes. */
function head(text: string, bytes: number): string {
  let taken = '';
  for (const character of text) {
    if (Buffer.byteLength(taken + character) > bytes) break;
    taken += character;
  }
  return taken;
}

/** FNV-1a of 32 bits as six base-36 digits (the topmost of seven digits says little and is left out). */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193);
  return (value >>> 0).toString(36).padStart(7, '0').slice(-6);
}
