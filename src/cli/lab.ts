import { Command, InvalidArgumentError, Option } from 'commander';
import { type DemoFlags, demo } from '../lab/demo/main.ts';
import { showPod } from '../lab/demo/show.ts';
import { execInLab } from '../lab/exec.ts';
import { attachInLab, detachInLab, findPlace, standingLabs } from '../lab/kept.ts';
import { createPrinter } from '../lab/print/printer.ts';
import { defaultRoot } from '../lab/run/bare-lab.ts';
import { cleanDead } from '../lab/run/clean.ts';

/** `multinic lab`: a cluster of namespaces on this machine. */
export function labCommand(): Command {
  return new Command('lab')
    .description('build a cluster of namespaces on this machine and try multinic in it')
    .enablePositionalOptions()
    .addCommand(demoCommand())
    .addCommand(execCommand())
    .addCommand(attachCommand())
    .addCommand(detachCommand())
    .addCommand(cleanCommand());
}

function demoCommand(): Command {
  return new Command('demo')
    .description('show the whole idea on real packets: one object, pods on every NIC, pings, and nothing left')
    .option('--hosts <n>', 'hosts', count(1, 200), 3)
    .option('--nics <n>', 'pool NICs of each host, one network each', count(1, 200), 4)
    .option('--pods <n>', 'pods on each host', count(1, 200), 2)
    .addOption(
      new Option(
        '--plugin <type>',
        'what makes the interfaces; default: ipvlan, macvlan where the kernel has none',
      ).choices(['ipvlan', 'macvlan']),
    )
    .addOption(
      new Option('--mode <mode>', 'default: l3 for ipvlan, bridge for macvlan').choices(['l2', 'l3', 'bridge']),
    )
    .option('--keep', 'leave the lab up and say how to use it', false)
    .option('--json', 'print a report as one JSON line on stdout, everything else on stderr', false)
    .action(async (flags: DemoFlags) => {
      process.exit(await demo(flags, process.argv.slice(1)));
    });
}

function cleanCommand(): Command {
  return new Command('clean')
    .description('take down labs that were left up or killed; running ones stay')
    .argument('[id]', 'only this one: the folder of its name in /run/multinic-lab')
    .action(async (id?: string) => {
      const cleaned = await cleanDead(defaultRoot, { kept: true, ...(id !== undefined && { id }) });
      for (const { id: gone, processes } of cleaned) console.log(`lab ${gone} is taken down (${processes} processes)`);
      if (cleaned.length > 0) return;
      if (id !== undefined) throw new Error(`no lab "${id}" was left up or killed: ls ${defaultRoot}`);
      console.log('there is no lab to take down');
    });
}

function execCommand(): Command {
  return new Command('exec')
    .description('run a command in a host or pod of a lab that is up: lab exec host1 -- ip address')
    .argument('<where>', 'host1, host2 … or the name of a pod')
    .argument('<command...>', 'command and its arguments')
    .passThroughOptions()
    .action(async (where: string, words: string[]) => {
      // Options of the command are its own, with `--` before it and without.
      const command = words[0] === '--' ? words.slice(1) : words;
      process.exit(await execInLab(defaultRoot, process.env, where, command));
    });
}

function attachCommand(): Command {
  return new Command('attach')
    .description('attach a pod in a lab that is up, as Multus would, and show its interfaces')
    .argument('<pod>', 'its name: of an object that kubectl has applied, or with --networks a new one')
    .option('--networks <text>', 'make the pod, with this annotation: multi-nic-sample, or a JSON list')
    .option('--host <name>', 'where it runs', 'host1')
    .action(async (name: string, { networks, host }: { networks?: string; host: string }) => {
      const place = findPlace(standingLabs(defaultRoot, process.env), host);
      await showPod(await attachInLab(place, name, networks), createPrinter(process.stdout, process.env));
    });
}

function detachCommand(): Command {
  return new Command('detach')
    .description('detach a pod in a lab that is up, and delete its object')
    .argument('<pod>', 'its name')
    .action(async (name: string) => {
      await detachInLab(findPlace(standingLabs(defaultRoot, process.env), name));
    });
}

function count(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`write a number from ${least} to ${most}`);
  };
}
