import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from '../../../src/daemon/attach/deps.ts';

/** Where stepping.ts looks for what it is to do. @param root of the host */
export function atStepFile(root: string): string {
  return join(root, 'var/lib/multinic/at-step');
}

/** Has the daemon of a host send itself a signal when it next passes the step, once. */
export function atStep(root: string, step: Step, signal: 'SIGKILL' | 'SIGSTOP'): void {
  const file = atStepFile(root);
  writeFileSync(`${file}.new`, `${signal} ${step}`);
  renameSync(`${file}.new`, file);
}
