import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { logsVariable } from '../lab.ts';
import { createPrinter, type Printer } from '../print/printer.ts';
import { defaultRoot } from '../run/bare-lab.ts';
import { cleanOwn } from '../run/clean.ts';
import { signalAll, treeBelow } from '../run/processes.ts';
import { createRunner } from '../run/runner.ts';
import { kernelName, runToEnd, umlCommand } from '../uml.ts';
import { kernelHasIpvlan } from './ipvlan.ts';
import { type DemoPlan, type DemoRequest, settle } from './options.ts';
import { runDemo } from './run.ts';

export interface DemoFlags extends DemoRequest {
  readonly keep: boolean;
  readonly json: boolean;
}

/** Memory and time of a demo in the other kernel: its processes and all they write are in its memory. */
function umlLimits({ hosts, nics, pods }: DemoPlan): { timeout: number; memory: string } {
  const megabytes = 1536 + 160 * hosts + 4 * hosts * pods * nics;
  return { timeout: 300 + 30 * hosts, memory: `${megabytes}M` };
}

/**
 * The `lab demo` command: answers the exit status. What people read goes to stdout, with `--json` to stderr, and the report is
 * then the only line of stdout.
 * @param argv the command line to repeat in the other kernel
 */
export async function demo(flags: DemoFlags, argv: readonly string[]): Promise<number> {
  const printer = createPrinter(flags.json ? process.stderr : process.stdout, process.env);
  if (process.getuid?.() !== 0) throw new Error('the lab makes network namespaces: run it as root');
  const plan = settle(flags, await kernelHasIpvlan(createRunner('no lab')));
  const { hosts, nics, pods, plugin, mode } = plan;
  if (plan.where === 'uml') return inOtherKernel(plan, flags, argv, printer);
  if (plan.notice !== undefined) printer.line(plan.notice);
  printer.line(
    `multinic: hosts ${hosts}, NICs ${nics}, pods on each host ${pods}, ${plugin} ${mode}, on ${kernelName()}`,
  );
  const stopping = stopOnSignals(printer);
  const setupSeconds = Number(process.env['MULTINIC_SETUP_SECONDS'] ?? 0);
  const report = await unlessStopped(stopping, runDemo({ plan, keep: flags.keep, printer, setupSeconds, stopping }));
  const { problems } = report;
  for (const problem of problems) printer.line(`  ${printer.style.bad('failed')}: ${problem}`);
  if (problems.length === 0) printer.line(`\n${printer.style.good('All is well.')}`);
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return problems.length === 0 ? 0 : 1;
}

/** The same command in the kernel that MULTINIC_UML names; a signal ends that kernel, and with it all that is in it. */
async function inOtherKernel(
  plan: DemoPlan,
  flags: DemoFlags,
  argv: readonly string[],
  printer: Printer,
): Promise<number> {
  if (flags.keep) throw new Error('--keep: a lab in the kernel that MULTINIC_UML names ends with it; leave --keep out');
  const command = umlCommand([process.execPath, ...argv], umlLimits(plan), process.env);
  if (plan.notice !== undefined) printer.line(plan.notice);
  let ended = 0;
  const end = (signal: NodeJS.Signals) => {
    ended = signal === 'SIGINT' ? 130 : 143;
    signalAll(treeBelow(process.pid), 'SIGTERM');
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1' };
  // What is written in that kernel is gone with it, except in one folder: there the logs of a failure go.
  const logs = mkdtempSync(join(tmpdir(), 'multinic-lab-'));
  const shared = { UMLSHARE: logs, [logsVariable]: logs };
  const status = await runToEnd(command.argv, { ...command.env, ...plain, ...shared });
  if (readdirSync(logs).length === 0) rmSync(logs, { recursive: true });
  return ended || status;
}

/**
 * On the first SIGINT, SIGTERM or SIGHUP the lab is taken down and the process ends; on the second at once. What the signal
 * cuts off fails in many ways, none worth telling: `stopping` says that it has come, and the printer falls silent.
 */
function stopOnSignals(printer: Printer): () => boolean {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    printer.line(`\n${signal}: taking the lab down`);
    printer.silence();
    void cleanOwn(defaultRoot).then(
      () => process.exit(signal === 'SIGINT' ? 130 : 143),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return () => stopping;
}

/** The work's answer; never one when it was cut off by a signal, whose handler ends the process. */
async function unlessStopped<T>(stopping: () => boolean, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (stopping()) return new Promise(() => undefined);
    throw error;
  }
}
