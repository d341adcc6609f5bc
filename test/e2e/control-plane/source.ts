import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../src/api/meta.ts';
import { type ApiPlace, type ApiSource, type LabApi, multusManifest, person } from '../../../src/lab/cluster/api.ts';
import { readAudit } from './audit.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import type { RealPrograms } from './programs.ts';
import { serviceAccountToken } from './tokens.ts';

/** A real control plane for a lab: what is deployed is deploy/, and its programs log in as the service accounts in there. */
export function realApi(programs: RealPrograms): ApiSource {
  return {
    manifests: () => [[multusManifest], ['--kustomize=deploy']],
    async start(place: ApiPlace): Promise<LabApi> {
      const { runner, file, address } = place;
      const dir = join(file.dir, 'api');
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const plane = await startControlPlane({
        programs,
        dir,
        address,
        start(name, argv, log) {
          const child = runner.start(argv, log);
          if (child.pid !== undefined) file.addProcess(name, child.pid);
          return child;
        },
      });
      const { access, client, pid, auditLog } = plane;
      return {
        ...person({ runner, file }, access.admin, pid),
        client,
        kubeconfigOf: async (user) =>
          user === 'admin' ? access.admin : access.login(user, await tokenOf(plane, user)),
        requests: () => readAudit(auditLog),
      };
    },
  };
}

/**
 * `operator`: its service account; `daemon:<node>`: that of the daemons, bound to the node as a pod's on it is; `account:<name>`: any
 * other in the deployed namespace.
 */
async function tokenOf({ access, client }: ControlPlane, user: string): Promise<string> {
  const [kind = '', of] = user.split(':');
  if (kind === 'account') return serviceAccountToken(access, of ?? '');
  const [name, node] = [`multinic-${kind}`, of];
  if (node === undefined) return serviceAccountToken(access, name);
  const { metadata } = await client.get<KubeObject>({ group: '', version: 'v1', plural: 'nodes' }, node);
  return serviceAccountToken(access, name, { name: node, uid: metadata.uid ?? '' });
}
