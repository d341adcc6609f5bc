import type { Statement } from '../statement.ts';
import { addStatements, daemonStatements, parallelStatements } from './add.ts';
import { checkStatements } from './check.ts';
import { configurationStatements } from './configuration.ts';
import { delStatements } from './del.ts';
import { delegationStatements } from './delegation.ts';
import { environmentStatements } from './environment.ts';
import { networkStatements } from './network.ts';
import { outputStatements } from './output.ts';
import { resultStatements } from './result.ts';

/** The 50 statements, by number. */
export const statements: readonly Statement[] = [
  ...environmentStatements,
  ...configurationStatements,
  ...outputStatements,
  ...resultStatements,
  ...addStatements,
  ...daemonStatements,
  ...parallelStatements,
  ...delStatements,
  ...checkStatements,
  ...networkStatements,
  ...delegationStatements,
].toSorted((a, b) => a.id - b.id);
