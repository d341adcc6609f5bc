import { createKernel } from '../../kernel/ip.ts';
import type { Lab } from '../lab.ts';
import type { PingCount } from '../ping.ts';
import type { PodHost } from '../pods/host.ts';
import type { LabPod } from '../pods/pods.ts';
import { lostPings, pingMatrix } from '../print/pings.ts';
import { podInterfaces } from '../print/pod.ts';
import type { Printer } from '../print/printer.ts';
import type { Report } from './report.ts';

/** One pod's links as its kernel has them. */
export async function showPod(pod: LabPod<PodHost>, printer: Printer): Promise<void> {
  // The netns is a mount of the host's: it is reached through the process that holds that host.
  const links = await createKernel().links(
    `/proc/${pod.host.pid}/root${pod.sandbox.netns.replace('/var/run/', '/run/')}`,
  );
  printer.line(`  ${pod.name} on ${pod.host.name}:`);
  printer.table(podInterfaces(links));
}

export function showPings(counts: readonly PingCount[], nics: number, printer: Printer): void {
  const { style } = printer;
  printer.table(pingMatrix(counts, style));
  const { sent, received } = sumPings(counts);
  const lost = sent - received;
  const verdict = lost === 0 ? style.good('none lost') : style.bad(`${lost} lost`);
  printer.line(`  ${received} of ${sent} pings answered over ${nics} NICs: ${verdict}`);
  for (const line of lostPings(counts)) printer.line(`  ${style.bad('lost')} ${line}`);
}

export function sumPings(counts: readonly PingCount[]): { sent: number; received: number } {
  return {
    sent: counts.reduce((sum, count) => sum + count.sent, 0),
    received: counts.reduce((sum, count) => sum + count.received, 0),
  };
}

export function showTimes(report: Report, printer: Printer): void {
  const { setup, offline, ...rest } = report.seconds;
  const parts = Object.entries({ ...(setup > 0 && { 'set-up': setup }), ...rest, 'without API server': offline });
  printer.line(`  ${parts.map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`).join(', ')}`);
}

/** How to use a lab that was left up. */
export function showKept(lab: Lab, printer: Printer): void {
  printer.title('The lab is left up');
  printer.line('  Talk to it:');
  printer.line(`    export KUBECONFIG=${lab.api.kubeconfig}`);
  printer.line('    kubectl get multinicnetworks,hostinterfaces,ippools,pods');
  printer.line('  Look into a host or a pod:');
  printer.line('    npm run multinic -- lab exec host1 -- ip address');
  printer.line('    npm run multinic -- lab exec pod-1-1 -- ip route');
  printer.line('  Attach a pod of your own, and take it away:');
  printer.line('    npm run multinic -- lab attach mine --networks multi-nic-sample --host host1');
  printer.line('    npm run multinic -- lab detach mine');
  printer.line(`  Its logs are in ${lab.dir}. Take it down:`);
  printer.line('    npm run lab:clean');
}
