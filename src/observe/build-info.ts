import { Gauge, type Registry } from 'prom-client';
import { version } from './version.ts';

/** Which version runs where, for roll-outs. */
export function buildInfo(registry: Registry): void {
  new Gauge({
    name: 'multinic_build_info',
    help: 'Always 1; the version is a label',
    labelNames: ['version'],
    registers: [registry],
  }).set({ version }, 1);
}
