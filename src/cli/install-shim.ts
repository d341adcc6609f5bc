import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';

/** The names under which CNI runtimes and other plugins call the shim. */
const names = ['multi-nic', 'multi-nic-ipam'];

/** `multinic install-shim`: what the DaemonSet's init container runs. */
export function installShimCommand(): Command {
  return new Command('install-shim')
    .description('put the CNI binaries multi-nic and multi-nic-ipam into a directory')
    .argument('<dir>', 'where the CNI runtime looks for plugins')
    .option('--from <file>', 'the compiled shim', '/usr/local/lib/multinic/multi-nic')
    .action(async (dir: string, { from }: { from: string }) => {
      for (const name of names) await install(from, join(dir, name));
    });
}

/** Under another name first: one that runs cannot be written over, and nobody may see half of it. */
async function install(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  try {
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
