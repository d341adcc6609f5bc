import type { IConfiguration } from 'dependency-cruiser';

// Which folder may import which: net <- api <- pure rooms <- shells <- roots, never back or sideways (ARCHITECTURE.md).
// imports.ts runs these rules over a type-stripped copy, type-only imports included. A room's `types.ts` is
// its contract: any room above net and api may import it. Cycles are oxlint's (import/no-cycle).
const pure = 'ipam|policy|delegates|hostroute|cni';
const shells = 'nic|kernel|store|kube|observe|spawner';
const contract = '^src/[a-z]+/types[.]mjs$';
/** How processes are started: below all other shells. */
const spawner = '^src/spawner/';

/** Files in pure rooms that act: the thin shell around the room's plan. They may import node's modules. */
export const thinShells: readonly string[] = [
  'src/delegates/binary.ts',
  'src/delegates/exec.ts',
  'src/delegates/process.ts',
  'src/delegates/orphans.ts',
  'src/delegates/reference.ts',
];
const acting = thinShells.map((path) => `^${path.replace('.ts', '[.]mjs')}$`);
export const importRules: IConfiguration = {
  forbidden: [
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'net-imports-nothing',
      severity: 'error',
      from: { path: '^src/net/' },
      to: { path: '^src/', pathNot: '^src/net/' },
    },
    {
      name: 'api-imports-net',
      severity: 'error',
      from: { path: '^src/api/' },
      to: { path: '^src/', pathNot: '^src/(api|net)/' },
    },
    {
      name: 'pure-rooms-import-api-and-net',
      severity: 'error',
      from: { path: `^src/(${pure})/`, pathNot: '^src/delegates/' },
      to: { path: '^src/', pathNot: ['^src/(net|api|$1)/', contract] },
    },
    {
      name: 'delegates-speak-cni',
      severity: 'error',
      from: { path: '^src/delegates/' },
      to: { path: '^src/', pathNot: ['^src/(net|api|cni|delegates)/', contract, spawner] },
    },
    {
      name: 'shells-import-pure-rooms',
      severity: 'error',
      from: { path: `^src/(${shells})/` },
      to: { path: '^src/', pathNot: [`^src/(net|api|${pure}|$1)/`, contract, spawner] },
    },
    {
      name: 'roots-stay-apart',
      comment: 'only the command line knows all programs',
      severity: 'error',
      from: { path: '^src/(daemon|operator|lab)/' },
      to: { path: '^src/(daemon|operator|lab|cli)/', pathNot: '^src/$1/' },
    },
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|tools)/' },
    },
    {
      name: 'product-imports-no-dev-packages',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'pure-code-has-no-io',
      comment:
        'isIP and createHash are functions of their input; rooms.ts holds that nothing else comes from these two',
      severity: 'error',
      from: { path: `^src/(net|api|${pure})/`, pathNot: acting },
      to: { dependencyTypes: ['core'], pathNot: '^(net|crypto)$' },
    },
    {
      name: 'pure-code-imports-few-packages',
      severity: 'error',
      from: { path: `^src/(net|api|${pure})/` },
      to: { path: 'node_modules/', pathNot: 'node_modules/(ip-bigint|ajv|json-schema-to-ts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    moduleSystems: ['es6'],
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
