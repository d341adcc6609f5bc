import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from '../../src/lab/hosts/hosts.ts';
import { startServingHost } from '../../test/support/serving/host.ts';
import { planOf } from '../../test/support/serving/plan.ts';
import type { Report, Row } from '../report.ts';
import { ratio, round, spread } from '../statistics.ts';
import { built, compile, time } from '../timed/timed.ts';

/** The network that the host serves: macvlan, a block of 254 addresses on each NIC. */
const network = 'bench';

/** NICs of the attachments that are measured. */
const sizes = [1, 2, 4, 8] as const;
/** Rounds that do not count: a daemon that has served thirty ADDs runs compiled code. */
const warmUp = 6;
/** What is attached side by side, and in which rounds. */
const together = { attachments: 20, nics: 4 } as const;
const parallelEvery = 5;

/** Times of one subject, in ms by round. */
interface Times {
  readonly add: number[];
  readonly del: number[];
}

/** One thing that is measured: a plugin, its configuration, and what it has taken. */
interface Subject {
  readonly name: string;
  readonly program: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly times: Times;
}

/** ADD and DEL of 1 to 8 NICs through shim and daemon, against one bare macvlan delegate, in turns on one host. */
export async function benchAdd(rounds: number): Promise<Report> {
  const timed = compile('timed');
  const nics = Math.max(...sizes);
  const plans = [planOf({ network, subnet: '192.168.0.0/16', nics })];
  const probed = join(built, 'daemon-share');
  rmSync(probed, { force: true });
  const before = { env: { MULTINIC_BENCH_PROBE: probed }, node: ['--import', join(import.meta.dirname, 'probe.ts')] };
  const root = join(built, 'labs');
  const serving = await startServingHost({ nics, plans, before, root });
  const flags = ['--executor', 'delegates'];
  const other = await startServingHost({ nics, plans, flags, root }).catch(async (error: unknown) => {
    await serving.close();
    throw error;
  });
  const bare = bareSubject();
  const ours = sizes.map((size) => nicsSubject(size));
  const delegated = nicsSubject(nics, ', delegates run');
  const shares: Share[] = [];
  const parallel: number[] = [];
  try {
    for (let at = -warmUp; at < rounds; at += 1) {
      for (const subject of [bare, ...ours]) await measure(serving.host, timed, subject, at);
      if (at >= 0) shares.push(shareOfLast(probed));
      await measure(other.host, timed, delegated, at);
      if (at >= 0 && at % parallelEvery === 0)
        parallel.push(await addSideBySide(serving.host, nicsSubject(together.nics), at));
    }
  } finally {
    await serving.close();
    await other.close();
  }
  return report(bare, ours, delegated, shares, parallel);
}

/** The last ADD and DEL, which were of most NICs. */
interface Share {
  /** ms of ADD in which the daemon waited for no program. */
  readonly ownMs: number;
  /** Of them, ms in which it waited for the disk. */
  readonly diskAloneMs: number;
  /** ms that the disk took for the record, beside programs or not. */
  readonly diskMs: number;
  /** CPU of the daemon's thread, ms. */
  readonly cpuMs: number;
  readonly addPrograms: number;
  readonly delPrograms: number;
}

function shareOfLast(file: string): Share {
  const lines = readFileSync(file, 'utf8').split('\n');
  const last = (verb: string): number[] =>
    lines
      .findLast((text) => text.startsWith(`${verb} `))
      ?.split(' ')
      .map(Number) ?? [];
  const [, , ownMs = Number.NaN, diskAloneMs = 0, diskMs = 0, cpuMs = 0, addPrograms = 0] = last('ADD');
  return { ownMs, diskAloneMs, diskMs, cpuMs, addPrograms, delPrograms: last('DEL')[6] ?? Number.NaN };
}

/** Attachments at once, from the first start to the last answer, in ms. */
async function addSideBySide(host: LabHost, { program, config }: Subject, at: number): Promise<number> {
  const pods = Array.from({ length: together.attachments }, (_, index) => `bench-all-${at}-${index}`);
  const stdin = JSON.stringify(config);
  const call = async (pod: string, command: string): Promise<void> => {
    const env = { ...variablesOf(pod), CNI_COMMAND: command };
    const { code, stdout } = await host.exec([program], { env, bareEnv: true, input: stdin });
    if (code !== 0) throw new Error(`${command} of ${pod}: ${stdout}`);
  };
  for (const pod of pods) await must(host, ['ip', 'netns', 'add', pod]);
  const start = performance.now();
  await Promise.all(pods.map((pod) => call(pod, 'ADD')));
  const ms = performance.now() - start;
  await Promise.all(pods.map((pod) => call(pod, 'DEL')));
  for (const pod of pods) await must(host, ['ip', 'netns', 'delete', pod]);
  return ms;
}

function variablesOf(pod: string): Record<string, string> {
  return {
    CNI_CONTAINERID: pod,
    CNI_NETNS: `/var/run/netns/${pod}`,
    CNI_IFNAME: 'net1',
    CNI_PATH: '/opt/cni/bin:/usr/lib/cni',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
    PATH: process.env['PATH'] ?? '',
  };
}

function bareSubject(): Subject {
  const ipam = { type: 'static', addresses: [{ address: '192.168.240.1/20' }] };
  return {
    name: 'bare macvlan, 1 NIC',
    program: '/usr/lib/cni/macvlan',
    config: { cniVersion: '1.0.0', name: 'bare', type: 'macvlan', master: 'eth1', mode: 'bridge', ipam },
    times: { add: [], del: [] },
  };
}

function nicsSubject(nics: number, how = ''): Subject {
  return {
    name: `multinic, ${nics} NIC${nics === 1 ? '' : 's'}${how}`,
    program: '/opt/cni/bin/multi-nic',
    config: {
      cniVersion: '1.0.0',
      name: network,
      type: 'multi-nic',
      ipam: { type: 'multi-nic-ipam', hostBlock: 4, interfaceBlock: 4 },
      plugin: { cniVersion: '1.0.0', type: 'macvlan', mode: 'bridge' },
      multiNICIPAM: true,
      args: { cni: { nics } },
    },
    times: { add: [], del: [] },
  };
}

/** One ADD and one DEL in a fresh namespace; rounds below 0 warm up and do not count. */
async function measure(host: LabHost, timed: string, subject: Subject, at: number): Promise<void> {
  const pod = `bench-${at + warmUp}-${subject.times.add.length}-${subject.name.replaceAll(/[^a-z0-9]/g, '')}`;
  await must(host, ['ip', 'netns', 'add', pod]);
  const variables = variablesOf(pod);
  const call = { prefix: host.prefix, timed, program: subject.program, stdin: JSON.stringify(subject.config) };
  const add = time({ ...call, env: { ...variables, CNI_COMMAND: 'ADD' } });
  const del = time({ ...call, env: { ...variables, CNI_COMMAND: 'DEL' } });
  await must(host, ['ip', 'netns', 'delete', pod]);
  if (at < 0) return;
  subject.times.add.push(add);
  subject.times.del.push(del);
}

async function must(host: LabHost, argv: readonly string[]): Promise<void> {
  const { code, stderr } = await host.exec(argv);
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

function report(
  bare: Subject,
  ours: readonly Subject[],
  delegated: Subject,
  shares: readonly Share[],
  parallel: readonly number[],
): Report {
  const rowsOf = (verb: keyof Times): Row[] => [
    { name: `${verb.toUpperCase()} ${bare.name}`, ms: spread(bare.times[verb]) },
    ...[...ours, delegated].map(({ name, times }) => ({
      name: `${verb.toUpperCase()} ${name}`,
      ms: spread(times[verb]),
      ratio: ratio(times[verb], bare.times[verb]),
    })),
  ];
  const numbersOf = ({ times }: Subject, verb: keyof Times) => ({
    ms: round(spread(times[verb]).median),
    bareMs: round(spread(bare.times[verb]).median),
    ratioToBare: round(ratio(times[verb], bare.times[verb])),
  });
  const jsonOf = (verb: keyof Times) =>
    Object.fromEntries(ours.map((subject, at) => [String(sizes[at]), numbersOf(subject, verb)]));
  const share = spread(shares.map(({ ownMs }) => ownMs));
  const withoutDisk = spread(shares.map(({ ownMs, diskAloneMs }) => ownMs - diskAloneMs));
  const disk = spread(shares.map(({ diskMs }) => diskMs));
  const cpu = spread(shares.map(({ cpuMs }) => cpuMs));
  return {
    title: 'add: ADD and DEL through shim and daemon, against one bare delegate',
    rows: [
      ...rowsOf('add'),
      { name: "ADD 8 NICs, daemon's own share", ms: share },
      { name: '… without waiting for the disk', ms: withoutDisk },
      { name: '… the disk, hidden or not', ms: disk },
      { name: "… CPU of the daemon's thread", ms: cpu },
      { name: `ADD ${together.attachments} side by side, ${together.nics} NICs`, ms: spread(parallel) },
      ...rowsOf('del'),
    ],
    json: {
      add: jsonOf('add'),
      del: jsonOf('del'),
      daemonShareMs: round(share.median),
      daemonShareLeastMs: round(share.min),
      daemonShareWithoutDiskMs: round(withoutDisk.median),
      diskMs: round(disk.median),
      daemonCpuMs: round(cpu.median),
      programs: { add: shares.at(-1)?.addPrograms, del: shares.at(-1)?.delPrograms },
      delegates: { add: { 8: numbersOf(delegated, 'add') }, del: { 8: numbersOf(delegated, 'del') } },
      parallel20x4Seconds: round(spread(parallel).median / 1000),
    },
  };
}
