/** The variable that names one seed to run again, as a failure prints it. */
const seedVariable = 'MULTINIC_FAULTS_SEED';

/** `count` seeds from `first` on; or the one that the variable names. */
export function seedsOf(first: number, count: number): number[] {
  const again = process.env[seedVariable];
  return again === undefined ? Array.from({ length: count }, (_, i) => first + i) : [Number(again)];
}
