import { fieldAt, textOf } from '../../../src/lab/apiserver/object.ts';
import { accessFrom, KubeRest } from '../../support/kube-rest.ts';
import type { Access } from './access.ts';

/** Where deploy/ puts the service accounts. */
export const deployNamespace = 'multinic-system';

/**
 * A token of a service account in the deployed namespace, good for a day; bound to a Node, or to a Pod as the kubelet's tokens are, it
 * carries the node's name (the claim that deploy/admission looks at).
 * @throws Error with the server's answer
 */
export async function serviceAccountToken(
  { admin }: Pick<Access, 'admin'>,
  account: string,
  bound?: { readonly kind?: 'Node' | 'Pod'; readonly name: string; readonly uid: string },
): Promise<string> {
  const path = `/api/v1/namespaces/${deployNamespace}/serviceaccounts/${account}/token`;
  const { code, body } = await new KubeRest(accessFrom(admin)).post(path, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      expirationSeconds: 86_400,
      ...(bound !== undefined && { boundObjectRef: { apiVersion: 'v1', kind: 'Node', ...bound } }),
    },
  });
  if (code !== 201) throw new Error(`no token for ${account}: ${JSON.stringify(body)}`);
  return textOf(fieldAt(body, ['status', 'token']));
}
