import { stringify } from 'yaml';

export interface KubeconfigInput {
  readonly url: string;
  /** PEM text; left out for plain HTTP. */
  readonly ca?: string;
  readonly user: string;
  readonly token: string;
}

/** The YAML text of a kubeconfig with one cluster, user and context, all of it inline. */
export function kubeconfig({ url, ca, user, token }: KubeconfigInput): string {
  const authority = ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server: url, ...authority } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user } }],
    'current-context': 'lab',
  });
}

/** The file name for a user: `:` would end a path in the variable KUBECONFIG, so it becomes `-`. */
export function kubeconfigName(user: string): string {
  return `kubeconfig-${user.replaceAll(/[^A-Za-z0-9._-]/g, '-')}`;
}
