import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../src/api/meta.ts';
import { isUnreachable } from '../../../src/kube/calls/errors.ts';
import { resources } from '../../../src/kube/calls/resource.ts';
import { type ApiPlace, type ApiSource, type LabApi, multusManifest, person } from '../../../src/lab/cluster/api.ts';
import { readAudit } from './audit.ts';
import { type ControlPlane, type ControlPlaneOptions, startControlPlane } from './control-plane.ts';
import type { RealPrograms } from './programs.ts';
import { serviceAccountToken } from './tokens.ts';

/** A real control plane for a lab: what is deployed is deploy/, and its programs log in as the service accounts in there. */
export function realApi(programs: RealPrograms, more: Pick<ControlPlaneOptions, 'scheduler'> = {}): ApiSource {
  return {
    manifests: () => [[multusManifest], ['--kustomize=deploy']],
    async start({ runner, file, address }: ApiPlace): Promise<LabApi> {
      const dir = join(file.dir, 'api');
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const plane = await startControlPlane({
        ...more,
        programs,
        dir,
        address,
        start(name, argv, log) {
          const child = runner.start(argv, log);
          if (child.pid !== undefined) file.addProcess(name, child.pid);
          return child;
        },
      });
      return {
        ...person({ runner, file }, plane.access.admin, plane.pid),
        client: plane.client,
        kubeconfigOf: createLogins(plane),
        requests: () => readAudit(plane.auditLog),
      };
    },
  };
}

/** A login that stands: of a daemon, for the Node of that uid. */
interface Login {
  readonly path: string;
  readonly uid: string | undefined;
}

/**
 * `operator`: its service account; `daemon:<node>`: that of the daemons, bound to the Node as a pod's on it is: it ends with that very
 * Node object; `account:<name>`: any other in the deployed namespace.
 */
function createLogins({ access, client }: ControlPlane): (user: string) => Promise<string> {
  const logins = new Map<string, Login>();

  async function renewed(user: string, before: Login | undefined): Promise<Login> {
    const [kind = '', of = ''] = user.split(':');
    if (kind !== 'daemon') {
      const account = kind === 'account' ? of : `multinic-${kind}`;
      return before ?? { path: access.login(user, await serviceAccountToken(access, account)), uid: undefined };
    }
    const { uid = '' } = (await client.get<KubeObject>(resources.nodes, of, { timeoutMs: 2000 })).metadata;
    if (before?.uid === uid) return before;
    const token = await serviceAccountToken(access, 'multinic-daemon', { name: of, uid });
    return { path: access.login(user, token), uid };
  }

  return async (user) => {
    if (user === 'admin') return access.admin;
    const before = logins.get(user);
    try {
      const login = await renewed(user, before);
      logins.set(user, login);
      return login.path;
    } catch (error) {
      // The API server is stopped.
      if (before !== undefined && isUnreachable(error)) return before.path;
      throw error;
    }
  };
}
