#!/usr/bin/env node
import { Command } from 'commander';
import { messageOf } from '../api/message-of.ts';
import { version } from '../observe/version.ts';

/** Loads only the command that runs: the lab pulls in what a daemon never needs, and the other way round. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  daemon: async () => (await import('./daemon.ts')).daemonCommand(),
  operator: async () => (await import('./operator.ts')).operatorCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  'install-shim': async () => (await import('./install-shim.ts')).installShimCommand(),
  lab: async () => (await import('./lab.ts')).labCommand(),
};

const summaries: Readonly<Record<string, string>> = {
  daemon: 'serve one host: addresses, delegates and routes (one per host)',
  operator: 'plan addresses and write NetworkAttachmentDefinitions: of several in a cluster one leads',
  check: 'judge manifests before they are applied',
  'install-shim': 'put the CNI binaries into a directory of the host',
  lab: 'build a cluster of namespaces on this machine and try multinic in it',
};

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('multinic')
    .description('Many NICs for Kubernetes pods')
    .version(version)
    .enablePositionalOptions()
    .showHelpAfterError('(run multinic --help for the commands)');
  const wanted = argv.find((word) => !word.startsWith('-'));
  for (const [name, load] of Object.entries(commands)) {
    program.addCommand(name === wanted ? await load() : new Command(name).description(summaries[name] ?? ''));
  }
  await program.parseAsync([...argv], { from: 'user' });
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`multinic: ${messageOf(error)}\n`);
  process.exitCode = 1;
});
