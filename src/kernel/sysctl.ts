/**
 * File of a sysctl below /proc/sys: dots become slashes, unless the name is written with slashes already (needed where an
 * interface name holds a dot), as sysctl(8) does.
 * @throws TypeError for a name that would leave /proc/sys
 */
export function sysctlFile(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  if (!/^[\w.-]+(\/[\w.-]+)+$/.test(path) || path.split('/').includes('..')) {
    throw new TypeError(`"${name}" is no sysctl name (example: net.ipv6.conf.default.accept_ra)`);
  }
  return `/proc/sys/${path}`;
}
