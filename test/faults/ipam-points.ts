import { daemonPoints, type EnginePoint } from './daemon-points.ts';
import { aroundWork, delegatePoint } from './delegate-points.ts';
import { type Scene, scenes } from './scenes.ts';

/**
 * Where another IPAM plugin than ours keeps a book of what it gave: the daemon at each step, the IPAM plugin and the main plugin that asks
 * it before and after what they do.
 */
export function ipamPoints(): EnginePoint[] {
  const { hostLocal, byNic } = scenes;
  const both = ['net1', 'net1-1'];
  return [
    ...daemonPoints(hostLocal),
    ...killed(hostLocal, 'host-local', both),
    ...killed(hostLocal, hostLocal.plugin, ['net1-1']),
    ...daemonPoints(byNic),
    ...killed(byNic, 'host-local', ['net1-1']),
    ...killed(byNic, byNic.plugin, ['net1-1']),
  ];
}

/** The same where leases are a server's and the plugin has a daemon of its own. */
export function dhcpPoints(): EnginePoint[] {
  const { dhcp } = scenes;
  return [...daemonPoints(dhcp), ...killed(dhcp, 'dhcp', ['net1', 'net1-1']), ...killed(dhcp, dhcp.plugin, ['net1-1'])];
}

function killed(scene: Scene, plugin: string, ifnames: readonly string[]): EnginePoint[] {
  return aroundWork(plugin, ifnames).map((killing) => delegatePoint(scene, killing));
}
