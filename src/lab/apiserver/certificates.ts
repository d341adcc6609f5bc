import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldsOf, textOf } from './object.ts';

/** PEM texts of a new certificate authority and a server certificate that it signed. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Runs openssl in a folder. Throws with its own words. */
function openssl(folder: string, args: readonly string[]): void {
  try {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const words = textOf(fieldsOf(error).stderr, String(error));
    throw new Error(`openssl ${args[0]} failed: ${words}`, { cause: error });
  }
}

/**
 * Makes a CA and a server certificate with EC keys by the openssl program (1.1.1 or newer), good for ten years.
 * @param hosts addresses and names that the server will be called by; localhost and 127.0.0.1 are always in
 */
export function makeCertificates(hosts: readonly string[]): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'multinic-certificates-'));
  try {
    const names = [...new Set(['localhost', '127.0.0.1', ...hosts])];
    const subjects = names.map((name) => `${isIP(name) > 0 ? 'IP' : 'DNS'}:${name}`).join(',');
    writeFileSync(join(folder, 'extensions'), `subjectAltName=${subjects}\nextendedKeyUsage=serverAuth\n`);
    openssl(folder, [
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '3650',
      '-subj',
      '/CN=multinic-lab-ca',
    ]);
    openssl(folder, [
      'req',
      ...newKey,
      '-keyout',
      'server.key',
      '-out',
      'server.csr',
      '-subj',
      '/CN=multinic-lab-apiserver',
    ]);
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions'];
    openssl(folder, ['x509', '-req', '-in', 'server.csr', '-out', 'server.crt', '-days', '3650', ...signing]);
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
    return { ca: read('ca.crt'), cert: read('server.crt'), key: read('server.key') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
