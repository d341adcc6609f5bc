import { daemonPoints, type EnginePoint } from './daemon-points.ts';
import { delegatePoints } from './delegate-points.ts';
import type { HostPoint } from './host-run.ts';
import { dhcpPoints, ipamPoints } from './ipam-points.ts';
import { lentPoints } from './lent-points.ts';
import { plainIpamPoints } from './plain-ipam-points.ts';
import { routePoints } from './route-points.ts';
import { scenes } from './scenes.ts';
import { shimPoints } from './shim-points.ts';
import { twoPoints } from './two-points.ts';

/** All points of the engine, in groups of about the same length that may run side by side, each on a host of its own. */
export function engineGroups(): readonly (readonly EnginePoint[])[] {
  return [
    [...daemonPoints(scenes.direct), ...daemonPoints(scenes.delegates), ...twoPoints()],
    [...daemonPoints(scenes.chain), ...delegatePoints()],
    lentPoints(),
    [...daemonPoints(scenes.bySource), ...daemonPoints(scenes.bySourceDelegates)],
    ipamPoints(),
    dhcpPoints(),
  ];
}

/** All points of the whole daemon and the shim, by scene. */
export function hostGroups(): readonly (readonly HostPoint[])[] {
  return [shimPoints, plainIpamPoints, routePoints];
}
