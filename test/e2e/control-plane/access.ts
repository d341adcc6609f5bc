import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from '../../../src/lab/apiserver/certificates.ts';
import { kubeconfig, kubeconfigName } from '../../../src/lab/apiserver/kubeconfig.ts';

/** Files that the servers take and that people log in with. */
export interface Access {
  readonly url: string;
  /** PEM text. */
  readonly ca: string;
  readonly file: Readonly<
    Record<'caCert' | 'cert' | 'key' | 'tokens' | 'signingKey' | 'verifyKey' | 'auditPolicy', string>
  >;
  /** Path of the kubeconfig of one who logs in by a token of the token file. */
  readonly admin: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  /** Writes a kubeconfig for any token; answers its path. */
  login(user: string, token: string): string;
}

/** Every request once, when it is answered; watches when they begin. Bodies stay out, but of what the deployed accounts write. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
  - level: RequestResponse
    userGroups: ["system:serviceaccounts:multinic-system"]
    verbs: [create, update, patch, delete]
  - level: Metadata
`;

/** Makes certificates for the address, keys for service account tokens, and tokens for those who need no service account. */
export function createAccess(dir: string, address: string, port: number): Access {
  const url = `https://${address}:${port}`;
  const certificates = makeCertificates([address]);
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const put = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const { ca } = certificates;
  const login = (user: string, token: string) => put(kubeconfigName(user), kubeconfig({ url, ca, user, token }));
  const people = [
    { user: 'admin', groups: 'system:masters' },
    { user: 'system:kube-controller-manager', groups: '' },
    { user: 'system:kube-scheduler', groups: '' },
  ].map((one) => ({ ...one, token: randomBytes(24).toString('base64url') }));
  const [admin = '', controllerManager = '', scheduler = ''] = people.map(({ user, token }) => login(user, token));
  return {
    url,
    ca,
    file: {
      caCert: put('ca.crt', ca),
      cert: put('server.crt', certificates.cert),
      key: put('server.key', certificates.key),
      tokens: put(
        'tokens.csv',
        people.map(({ user, groups, token }) => `${token},${user},${user},"${groups}"\n`).join(''),
      ),
      signingKey: put('sa.key', keys.privateKey.export({ type: 'sec1', format: 'pem' })),
      verifyKey: put('sa.pub', keys.publicKey.export({ type: 'spki', format: 'pem' })),
      auditPolicy: put('audit-policy.yaml', auditPolicy),
    },
    admin,
    controllerManager,
    scheduler,
    login,
  };
}
