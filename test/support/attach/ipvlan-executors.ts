import { compareExecutors } from './executors.ts';

/** Program for a kernel with ipvlan: prints one JSON object with what both executors left. */
process.stdout.write(`${JSON.stringify(await compareExecutors('ipvlan'))}\n`);
