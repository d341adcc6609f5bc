import { readFileSync, writeFileSync } from 'node:fs';
import type { ApiSource } from '../../../src/lab/cluster/api.ts';
import { accessFrom } from '../../support/kube-rest.ts';
import { layWire, type Wire } from './wire.ts';

/** A control plane whose daemons come to it over a line of their own. */
export interface Cuttable {
  readonly source: ApiSource;
  /** Ends every connection of every daemon; new ones are taken at once. */
  cut(): void;
  close(): Promise<void>;
}

export function cuttable(source: ApiSource): Cuttable {
  let wire: Wire | undefined;
  return {
    source: {
      ...source,
      async start(place) {
        const api = await source.start(place);
        const { url } = accessFrom(api.kubeconfig);
        const laid = await layWire(url, place.address);
        wire = laid;
        return {
          ...api,
          async kubeconfigOf(user) {
            const path = await api.kubeconfigOf(user);
            if (!user.startsWith('daemon:')) return path;
            const own = `${path}-wire`;
            writeFileSync(own, readFileSync(path, 'utf8').replace(url, laid.url), { mode: 0o600 });
            return own;
          },
        };
      },
    },
    cut() {
      wire?.cut('reset');
      wire?.mend();
    },
    close: async () => wire?.close(),
  };
}
