import type { Address } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';
import { type Prefix, parseInterfaceAddress, samePrefix } from '../net/prefix.ts';
import type { LabPod } from './pods/pods.ts';

/** One address of a pod on one rail. */
export interface PodAddress {
  readonly link: string;
  readonly address: Address;
  /** The rail's prefix, which the pod's address carries. */
  readonly rail: Prefix;
}

/** Pings from one pod to one address of another. */
export interface PingCount {
  readonly from: string;
  readonly to: string;
  /** Link of the source. */
  readonly link: string;
  readonly address: string;
  readonly sent: number;
  readonly received: number;
}

/** Packets for each target, ms between two to the same target, and how many pods ping at once. */
const pace = { count: 3, period: 200, atOnce: 8 } as const;
/** ms until a ping counts as lost: only one that is waits as long, and fping itself may be kept from looking on a busy machine. */
const lostAfter = 10_000;

/** Addresses of all links of a pod, in order. */
export function addressesOf(pod: LabPod): PodAddress[] {
  return pod.attachments.flatMap(({ result }) =>
    result.ips.map((ip) => {
      const { address, prefix } = parseInterfaceAddress(ip.address);
      const link = result.interfaces[ip.interface ?? 0]?.name ?? '?';
      return { link, address, rail: prefix };
    }),
  );
}

/**
 * Which addresses one pod pings at another: for each of its own, the other's on the same rail, which its kernel reaches
 * through that very NIC, since the rail's prefix is connected there.
 * @throws Error when the other pod has none there, or several
 */
export function targetsOf(from: LabPod, to: LabPod): { own: PodAddress; target: PodAddress }[] {
  const theirs = addressesOf(to);
  return addressesOf(from).map((own) => {
    const [target, second] = theirs.filter(({ rail }) => samePrefix(rail, own.rail));
    const where = `${from.name}'s ${own.link} (${formatAddress(own.address)}/${own.rail.length})`;
    if (target === undefined) throw new Error(`${to.name} has no address on the rail of ${where}`);
    if (second !== undefined) throw new Error(`${to.name} has several addresses on the rail of ${where}`);
    return { own, target };
  });
}

/** Every pod pings every other on every NIC. */
export async function pingAll(pods: readonly LabPod[]): Promise<PingCount[]> {
  const counts: PingCount[][] = [];
  const waiting = [...pods];
  const work = async () => {
    for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
      counts.push(await pingFrom(pod, pods));
    }
  };
  await Promise.all(Array.from({ length: pace.atOnce }, work));
  return counts.flat();
}

/** One fping process with all targets. @throws Error when it cannot run */
async function pingFrom(pod: LabPod, pods: readonly LabPod[]): Promise<PingCount[]> {
  const others = pods.filter((other) => other !== pod);
  const goals = others.flatMap((to) => targetsOf(pod, to).map((pair) => ({ to, ...pair })));
  if (goals.length === 0) return [];
  const argv = ['fping', '-q', '-c', String(pace.count), '-p', String(pace.period), '-t', String(lostAfter), '-i', '1'];
  const targets = goals.map(({ target }) => formatAddress(target.address));
  // -f - reads targets from stdin: hundreds of pods times NICs would not fit a command line.
  const outcome = await pod.exec([...argv, '-f', '-'], { input: `${targets.join('\n')}\n` });
  if (outcome.code > 2) throw new Error(`fping in ${pod.name}: ${outcome.stderr.trim()}`);
  const seen = readCounts(outcome.stderr);
  return goals.map(({ to, own, target }) => {
    const address = formatAddress(target.address);
    const { sent, received } = seen.get(address) ?? { sent: pace.count, received: 0 };
    return { from: pod.name, to: to.name, link: own.link, address, sent, received };
  });
}

/** Reads lines as `192.168.0.2 : xmt/rcv/%loss = 3/3/0%, min/avg/max = …`. */
export function readCounts(text: string): Map<string, { sent: number; received: number }> {
  const lines = text.matchAll(/^(\S+)\s+: xmt\/rcv\/%loss = (\d+)\/(\d+)\//gm);
  return new Map(
    [...lines].map(([, address = '', sent, received]) => [address, { sent: Number(sent), received: Number(received) }]),
  );
}
