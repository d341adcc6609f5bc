/** Puts a program into a network namespace: nsenter replaces itself by it, so this costs an exec, no process. */
export function inNetns(argv: readonly string[], netns: string | undefined): string[] {
  return netns === undefined ? [...argv] : ['nsenter', `--net=${netns}`, ...argv];
}
