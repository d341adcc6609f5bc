import { createPrinter } from '../print/printer.ts';
import { defaultRoot } from '../run/bare-lab.ts';
import { cleanOwn } from '../run/clean.ts';
import { signalAll, treeOf } from '../run/processes.ts';
import { createRunner } from '../run/runner.ts';
import { kernelName, runInUml } from '../uml.ts';
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
  const plan = settle(flags, await kernelHasIpvlan(createRunner('none')));
  const { hosts, nics, pods, plugin, mode } = plan;
  if (plan.notice !== undefined) printer.line(plan.notice);
  if (plan.where === 'uml') return inOtherKernel(plan, flags, argv);
  printer.line(
    `multinic: hosts ${hosts}, NICs ${nics}, pods on each host ${pods}, ${plugin} ${mode}, on ${kernelName()}`,
  );
  const stop = stopOnSignals(printer.line);
  const setupSeconds = Number(process.env['MULTINIC_SETUP_SECONDS'] ?? 0);
  const report = await Promise.race([runDemo({ plan, keep: flags.keep, printer, setupSeconds }), stop]);
  const { problems } = report;
  for (const problem of problems) printer.line(`  ${printer.style.bad('failed')}: ${problem}`);
  if (problems.length === 0) printer.line(`\n${printer.style.good('All is well.')}`);
  if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
  return problems.length === 0 ? 0 : 1;
}

/** The same command in the kernel that MULTINIC_UML names; a signal ends that kernel, and with it all that is in it. */
async function inOtherKernel(plan: DemoPlan, flags: DemoFlags, argv: readonly string[]): Promise<number> {
  if (flags.keep) throw new Error('--keep: a lab in the kernel that MULTINIC_UML names ends with it; leave --keep out');
  const end = () =>
    signalAll(
      treeOf(process.pid).filter(({ pid }) => pid !== process.pid),
      'SIGTERM',
    );
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  const plain = process.stdout.isTTY ? {} : { NO_COLOR: '1' };
  const env = { ...process.env, ...plain };
  return runInUml([process.execPath, ...argv], umlLimits(plan), env);
}

/** Rejects never: on the first SIGINT, SIGTERM or SIGHUP the lab is taken down and the process ends; on the second at once. */
function stopOnSignals(say: (line: string) => void): Promise<never> {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    say(`\n${signal}: taking the lab down`);
    void cleanOwn(defaultRoot).then(
      () => process.exit(signal === 'SIGINT' ? 130 : 143),
      (error: unknown) => {
        say(String(error));
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  // The work that is cut off fails in many ways: none is worth telling.
  process.on('uncaughtException', (error) => {
    if (!stopping) throw error;
  });
  return new Promise(() => undefined);
}
