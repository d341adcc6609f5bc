import { configName } from '../../api/config-gate.ts';
import type { Config, ConfigSpec } from '../../api/kinds/config.ts';
import { apiVersion } from '../../api/schema.ts';
import { fieldsOf } from '../../kube/calls/json.ts';

/** Where the predecessor's daemon saw the host's directory of CNI plugins. */
const predecessorBinPath = '/host/opt/cni/bin';

/**
 * The Config that the operator makes when there is none. Defaults are not written into it: they follow the operator's version. Of the
 * predecessor's, only what says where daemons run and where CNI plugins are is taken over; never image, port, mounts or arguments.
 */
export function defaultConfig(predecessor: Config | undefined): Config {
  return { apiVersion, kind: 'Config', metadata: { name: configName }, spec: takenOver(predecessor?.spec) };
}

function takenOver(spec: ConfigSpec | undefined): ConfigSpec {
  const { nodeSelector, tolerations, mounts = [] } = spec?.daemon ?? {};
  const mount = mounts.map(fieldsOf).find(({ podpath }) => podpath === predecessorBinPath);
  const cniBinDir = mount?.['hostpath'];
  return {
    ...((nodeSelector !== undefined || tolerations !== undefined) && {
      daemon: { ...(nodeSelector && { nodeSelector }), ...(tolerations && { tolerations }) },
    }),
    ...(typeof cniBinDir === 'string' && { cniBinDir }),
  };
}
