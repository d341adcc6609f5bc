import type { ApiSource } from '../cluster/api.ts';
import { createLab, type Lab } from '../lab.ts';
import { leftoverText } from '../leftovers/difference.ts';
import { listLab } from '../leftovers/listing.ts';
import { pingAll } from '../ping.ts';
import type { LabPod } from '../pods/pods.ts';
import { addressPlan, nicMatrix } from '../print/hosts.ts';
import type { Printer } from '../print/printer.ts';
import { kernelName } from '../uml.ts';
import { type DaemonCalls, daemonCalls } from './calls.ts';
import { findLeftovers } from './leftovers.ts';
import { manifestFor } from './manifest.ts';
import { applyNetwork, deleteNetwork, hostInterfaces } from './network.ts';
import type { DemoPlan } from './options.ts';
import { attachAll, attachWithoutApi, createPods, detachAll, podPlaces } from './pods.ts';
import { createStopwatch, type Report, type Stopwatch } from './report.ts';
import { showKept, showPings, showPod, showTimes, sumPings } from './show.ts';

export interface DemoOptions {
  readonly plan: DemoPlan;
  readonly keep: boolean;
  /** Where the lab's API server comes from; default: the embedded one. */
  readonly api?: ApiSource;
  readonly printer: Printer;
  /** s that the set-up before this took. */
  readonly setupSeconds: number;
  /** Whether a signal is taking the lab down. */
  readonly stopping: () => boolean;
}

/** Pods that are attached and detached while the API server is stopped. */
const offlinePods = 8;

/** Runs the whole demo; what did not hold is in the report's problems. @throws Error where it could not go on, with the logs saved */
export async function runDemo(options: DemoOptions): Promise<Report> {
  const { plan, printer } = options;
  const watch = createStopwatch(options.setupSeconds);
  printer.title('1. A lab: hosts are namespaces, rails are bridges');
  const lab = await watch.measure('cluster', () =>
    createLab({
      hosts: plan.hosts,
      nics: plan.nics,
      pods: plan.hosts * plan.pods + offlinePods,
      progress: printer.progress,
      ...(options.api !== undefined && { api: options.api }),
    }),
  );
  let shown: Omit<Report, 'seconds'> | undefined;
  try {
    shown = await inLab(lab, options, watch);
  } finally {
    if (shown?.problems.length !== 0 && !options.stopping()) printer.line(`  the logs are kept in ${lab.saveLogs()}`);
    if (shown === undefined || !options.keep) await watch.measure('teardown', () => lab.close());
  }
  const report = { ...shown, seconds: watch.seconds() };
  showTimes(report, printer);
  if (options.keep) showKept(lab, printer);
  return report;
}

async function inLab(lab: Lab, options: DemoOptions, watch: Stopwatch): Promise<Omit<Report, 'seconds'>> {
  const { plan, printer } = options;
  const found = await watch.measure('cluster', () => hostInterfaces(lab));
  printer.table(nicMatrix(lab.hosts, found));
  const before = await watch.measure('cluster', () => listLab(lab));

  printer.title('2. One object describes the pool of NICs and the addresses on it');
  const network = await watch.measure('plan', () => applyNetwork(lab, manifestFor(plan), printer));
  printer.line('\n  Each host has its own block on each rail, from which it gives out addresses alone:');
  printer.table(addressPlan(network, await hostInterfaces(lab)));

  printer.title(`3. Pods ask for it by one annotation: k8s.v1.cni.cncf.io/networks: ${network}`);
  const attachStart = Date.now();
  const { pods, calls: attach } = await watch.measure('attach', async () => {
    const prepared = await createPods(lab, network, podPlaces(lab, plan.pods));
    const attached = await attachAll(lab, prepared);
    await lab.reportPods(attached.pods);
    return attached;
  });
  sayCalls(printer, `${pods.length} pods attached`, attach);
  if (pods[0] !== undefined) await showPod(pods[0], printer);

  printer.title('4. Every pod pings every other pod on every NIC');
  const counts = await watch.measure('ping', () => pingAll(pods));
  showPings(counts, plan.nics, printer);
  printer.progress(`${offlinePods} more pods, with the API server stopped`);
  const offline = await watch.measure('offline', () => attachWithoutApi(lab, network, offlinePods));
  printer.line(
    `  ${offline.adds} of ${offlinePods} ADDs and ${offline.dels} of ${offlinePods} DELs succeeded without it`,
  );

  const interfacesPerPod = Math.min(...pods.map(interfacesOf));
  const pings = sumPings(counts);
  const problems = [
    ...offline.problems,
    ...(offline.adds === offlinePods && offline.dels === offlinePods
      ? []
      : ['ADDs or DELs failed without the API server']),
    ...(pings.received === pings.sent ? [] : [`${pings.sent - pings.received} pings were lost`]),
    ...(pods.every((pod) => interfacesOf(pod) === plan.nics) ? [] : [`a pod has not ${plan.nics} interfaces`]),
    ...callProblems('attach', attach),
  ];
  const end = options.keep
    ? keepUp(lab)
    : await watch.measure('teardown', () => tearDown(lab, network, pods, before, printer));
  // Published is all along, not only while pods come and go.
  const published = daemonCalls(lab.api.requests(), attachStart, end.detachedAt);
  const { hosts, nics, plugin, mode } = plan;
  return {
    hosts,
    nics,
    pods: plan.pods,
    interfacesPerPod,
    pings,
    apiCallsDuringAttach: attach.calls.length,
    apiCallsDuringDetach: end.calls?.calls.length ?? null,
    leftovers: end.leftovers,
    plugin,
    mode,
    kernel: kernelName(),
    publishWrites: published.publishWrites.length,
    stoppedApi: { adds: offline.adds, dels: offline.dels },
    problems: [...problems, ...end.problems, ...published.tooOften.map((object) => `${object} was written too often`)],
  };
}

interface End {
  /** ms since the epoch. */
  readonly detachedAt: number;
  readonly calls: DaemonCalls | undefined;
  readonly leftovers: number | null;
  readonly problems: readonly string[];
}

function keepUp(lab: Lab): End {
  lab.keep();
  return { detachedAt: Date.now(), calls: undefined, leftovers: null, problems: [] };
}

async function tearDown(
  lab: Lab,
  network: string,
  pods: readonly LabPod[],
  before: Awaited<ReturnType<typeof listLab>>,
  printer: Printer,
): Promise<End> {
  printer.title('5. Everything goes again');
  printer.command('kubectl delete pods --all --wait=false');
  await lab.api.kubectl(['delete', 'pods', '--all', '--wait=false']);
  const calls = await detachAll(lab, pods);
  const detachedAt = Date.now();
  await lab.forgetPods(pods);
  sayCalls(printer, `${pods.length} pods detached`, calls);
  await deleteNetwork(lab, network, printer);
  const left = await findLeftovers(lab, before);
  const verdict =
    left.length === 0
      ? printer.style.good('nothing is left')
      : printer.style.bad(`${left.length} things are left or missing`);
  printer.line(
    `  links, addresses, rules, routes, sysctls, namespaces, mounts, processes, rows, spool, objects: ${verdict}`,
  );
  for (const leftover of left.slice(0, 20)) printer.line(`  ${leftoverText(leftover)}`);
  const problems = [
    ...callProblems('detach', calls),
    ...(left.length === 0 ? [] : [`${left.length} leftovers: ${left.slice(0, 5).map(leftoverText).join('; ')}`]),
  ];
  return { detachedAt, calls, leftovers: left.length, problems };
}

function sayCalls(printer: Printer, what: string, { calls, publishWrites }: DaemonCalls): void {
  const text = `${calls.length} API calls by the hosts' daemons`;
  const verdict = calls.length === 0 ? printer.style.good(text) : printer.style.bad(text);
  printer.line(
    `  ${what}: ${verdict} meanwhile${publishWrites.length === 0 ? '' : `, and ${publishWrites.length} writes that publish`}`,
  );
}

function callProblems(when: string, { calls }: DaemonCalls): string[] {
  const first = calls[0];
  if (first === undefined) return [];
  const { user, verb, resource, name } = first;
  return [`${calls.length} API calls during ${when}, the first: ${user} ${verb} ${resource} ${name}`];
}

function interfacesOf(pod: LabPod): number {
  return pod.attachments.reduce(
    (sum, { result }) => sum + result.interfaces.filter(({ sandbox }) => (sandbox ?? '') !== '').length,
    0,
  );
}
