/**
 * Protocol number of every route and rule that multinic makes; nothing with another one is ever changed. The kernel gives no
 * meaning to numbers from 4 on; this one is used by no routing daemon known to linux/rtnetlink.h, FRR (11, 186 … 198), BIRD
 * (12), Calico (80), OVN (84) or systemd-networkd (4).
 */
export const routeProtocol = 77;

/** Priority of every rule: after `local` (0), before `main` (32766) and what others let the kernel choose (counted down from there). */
export const rulePriority = 2000;

/** Metric of the route by the NIC that owns the rail here, so that the host's own traffic takes it. */
export const ownerMetric = 100;
/** Plus the NIC's interface index: routes by the other NICs of that network. */
export const otherMetric = 200;
