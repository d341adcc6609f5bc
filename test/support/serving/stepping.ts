import { readFileSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { Command } from 'commander';
import { daemonCommand } from '../../../src/cli/daemon.ts';
import type { Step } from '../../../src/daemon/attach/deps.ts';
import { atStepFile } from './at-step.ts';

/** `multinic daemon` that a test has stop or kill itself at a step (at-step.ts). */
function onStep(step: Step): void {
  try {
    const [signal = '', wanted] = readFileSync(atStepFile('/'), 'utf8').split(' ');
    if (step !== wanted) return;
    rmSync(atStepFile('/'));
    process.kill(process.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}

// It is killed in the end, and then nothing is kept for the next start.
flushCompileCache();
await new Command().addCommand(daemonCommand(onStep)).parseAsync(process.argv.slice(2), { from: 'user' });
