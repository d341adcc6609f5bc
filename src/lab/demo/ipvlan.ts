import type { Runner } from '../run/runner.ts';

/** Whether this kernel makes ipvlan links: tried in a namespace of its own. */
export async function kernelHasIpvlan(runner: Pick<Runner, 'run'>): Promise<boolean> {
  const script =
    'ip link add name upper type veth peer name other && ip link add link upper name lower type ipvlan mode l3';
  const { code } = await runner.run(['unshare', '--net', '--', 'sh', '-c', script]);
  return code === 0;
}
