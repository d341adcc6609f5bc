import type { Rule } from '../schema.ts';

/** As text, for CEL (RE2) and JavaScript read them alike. Empty is as left out. */
export const durationPattern = '^(\\d+(ms|s|m|h))?$';
export const directoryPattern = '^((/[\\w.-]+)+)?$';
/** Numbers of route tables: those below are the kernel's and of people. */
export const tableRange = { first: 256, last: 0xffffffff } as const;

/** Rule of a duration. */
export const durationRules: readonly Rule[] = [
  {
    rule: `self.matches(r'${durationPattern}')`,
    message: 'is no duration: write a number and a unit: 500ms, 60s, 2m, 2h',
  },
];

/** Rule of a directory of the host. */
export const directoryRules: readonly Rule[] = [
  {
    rule: `self.matches(r'${directoryPattern}') && !self.split('/').exists(one, one == '..')`,
    message: 'is no absolute path of a directory, for example /opt/cni/bin',
  },
];

/** Rule of routeTables. */
export const tableRules: readonly Rule[] = [
  {
    rule: `has(self.first) && has(self.last) && self.first >= ${tableRange.first} && self.last >= self.first && self.last <= ${tableRange.last}`,
    message: `give first and last, from ${tableRange.first} on, for example 20000 and 20999`,
  },
];
