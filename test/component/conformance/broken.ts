/** A plugin that breaks one statement, as a shell script around ours. */
export interface BrokenPlugin {
  /** The statement. */
  readonly id: number;
  readonly what: string;
  /** Has `$real` (ours), `$in` (stdin) and the shell functions `go` (runs ours) and `is` (whether CNI_COMMAND is one of these). */
  readonly script: string;
  /** What the finding says. */
  readonly says: RegExp;
}

/** Filters ours's stdout, keeps its status. */
const filtered = (command: string) => `out=$(go); status=$?; printf '%s' "$out" | ${command}; exit $status`;
/** The directory of the stand-in delegate, which stands first in CNI_PATH, is left out. */
const withoutFirst = 'CNI_PATH=${CNI_PATH#*:} go; exit $?';

export const brokenPlugins: readonly BrokenPlugin[] = [
  { id: 1, what: 'prints its about text to stdout', script: 'is "" && echo about', says: /stdout should be empty/ },
  {
    id: 2,
    what: 'does not list 1.1.0',
    script: `is VERSION && { ${filtered(`sed 's/,"1.1.0"\\]/]/'`)}; }`,
    says: /lacks 1\.1\.0/,
  },
  {
    id: 3,
    what: 'names one variable of several',
    script: filtered("sed 's/CNI_IFNAME//'"),
    says: /does not name CNI_IFNAME/,
  },
  {
    id: 4,
    what: 'takes any container id',
    script: 'CNI_CONTAINERID=$(printf %s "x$CNI_CONTAINERID" | tr -d "/ .-") go; exit $?',
    says: /should fail/,
  },
  { id: 5, what: 'takes any interface name', script: 'CNI_IFNAME=net1 go; exit $?', says: /should fail/ },
  {
    id: 6,
    what: 'has no code for rubbish',
    script: filtered(`sed 's/"code":6/"code":999/'`),
    says: /code 999 where 6/,
  },
  {
    id: 7,
    what: 'has no code for a wrong name',
    script: filtered(`sed 's/"code":7/"code":999/'`),
    says: /code 999 where 7/,
  },
  { id: 8, what: 'does not say what it supports', script: filtered(`sed 's/1\\.0\\.0//g'`), says: /1\.0\.0 would do/ },
  { id: 9, what: 'serves GC in every version', script: 'is GC && exit 0', says: /GC at 1\.0\.0.* should fail/ },
  { id: 10, what: 'passes over unknown commands', script: 'is FROB && exit 0', says: /should fail/ },
  {
    id: 11,
    what: 'has codes as text',
    script: filtered(`sed 's/"code":\\([0-9]*\\)/"code":"\\1"/'`),
    says: /integer code/,
  },
  {
    id: 12,
    what: 'prints a word on DEL',
    script: 'go; status=$?; is DEL && echo done; exit $status',
    says: /should print nothing/,
  },
  { id: 13, what: 'fails when it cannot log', script: 'echo log >&2 || exit 1', says: /while stderr is/ },
  {
    id: 14,
    what: 'refuses unknown keys',
    script: `printf '%s' "$in" | grep -q x-unknown && { echo '{"code":2,"msg":"unknown key x-unknown"}'; exit 1; }`,
    says: /ADD with unknown keys/,
  },
  { id: 15, what: "takes the host's own namespace", script: 'CNI_NETNS_OVERRIDE=1 go; exit $?', says: /should fail/ },
  {
    id: 16,
    what: 'writes into its working directory',
    script: ': > ./plugin.tmp || exit 1',
    says: /cannot be written/,
  },
  {
    id: 17,
    what: 'answers always in 1.0.0',
    script: `is ADD && { ${filtered(`sed 's/"cniVersion":"[^"]*"/"cniVersion":"1.0.0"/; s/"version":"4",//g'`)}; }`,
    says: /cniVersion is "1\.0\.0"/,
  },
  {
    id: 18,
    what: "gives an interface a name that is Multus's",
    script: `is ADD && { ${filtered("sed 's/net1-1/net7/g'")}; }`,
    says: /net7/,
  },
  {
    id: 19,
    what: 'gives no sandbox',
    script: `is ADD && { ${filtered(`sed 's#"sandbox":"[^"]*"#"sandbox":"/elsewhere"#g'`)}; }`,
    says: /sandbox/,
  },
  {
    id: 20,
    what: 'gives no prefix length',
    script: `is ADD && { ${filtered(`sed 's#/20"#"#g'`)}; }`,
    says: /^1\.0\.0: address|^address/,
  },
  {
    id: 21,
    what: 'makes room for itself',
    script: 'is ADD && nsenter --net="$CNI_NETNS" ip link del "$CNI_IFNAME"',
    says: /should fail|another link/,
  },
  {
    id: 22,
    what: 'attaches nothing to nowhere',
    script: `[ -e "$CNI_NETNS" ] || { echo '{"cniVersion":"1.0.0"}'; exit 0; }`,
    says: /should fail/,
  },
  {
    id: 23,
    what: "loses the delegate's code",
    script: filtered(`sed 's/"code":11/"code":999/'`),
    says: /code 999 where 11/,
  },
  {
    id: 24,
    what: 'does not say what is missing',
    script: `is ADD && ! go > /dev/null && { echo '{"code":999,"msg":"it did not work"}'; exit 1; }`,
    says: /does not name/,
  },
  { id: 25, what: 'fails without failing', script: 'go; exit 0', says: /should fail/ },
  {
    id: 26,
    what: 'passes the version of its delegate on',
    script: `is ADD && { ${filtered(`sed 's/"ips":\\[{/"ips":[{"version":"4",/'`)}; }`,
    says: /ips\[0\]\.version/,
  },
  {
    id: 27,
    what: 'does not shift indices',
    script: `is ADD && { ${filtered(`sed 's/"interface":[0-9]*/"interface":1/g'`)}; }`,
    says: /points to eth0/,
  },
  {
    id: 28,
    what: 'knows no attachment again',
    script: 'CNI_CONTAINERID=$CNI_CONTAINERID-$$ go; exit $?',
    says: /^ADD|^1\.0\.0: ADD|: ADD/,
  },
  {
    id: 29,
    what: 'gives all the same address',
    script: `is ADD && { ${filtered(`sed 's#"address":"[^"]*"#"address":"10.100.1.9/20"#g'`)}; }`,
    says: /given out twice/,
  },
  {
    id: 30,
    what: 'says that all is well without its daemon',
    script: '[ -S /run/multinic/cni.sock ] || exit 0',
    says: /should fail/,
  },
  {
    id: 31,
    what: 'does not say why there is no address',
    script: `is ADD && { ${filtered(`sed 's/conf-tiny-[0-9]*/it/'`)}; }`,
    says: /does not name the network/,
  },
  {
    id: 32,
    what: 'fails on the second DEL',
    script:
      'is DEL && { mkdir "$state/$CNI_CONTAINERID" 2> /dev/null || { echo \'{"code":999,"msg":"gone already"}\'; exit 1; }; }',
    says: /the second DEL/,
  },
  {
    id: 33,
    what: 'releases nothing without a namespace',
    script: 'is DEL && [ ! -e "$CNI_NETNS" ] && exit 0',
    says: /still held/,
  },
  {
    id: 34,
    what: 'needs prevResult on DEL',
    script: `is DEL && ! printf '%s' "$in" | grep -q prevResult && { echo '{"code":7,"msg":"no prevResult"}'; exit 1; }`,
    says: /DEL without prevResult/,
  },
  {
    id: 35,
    what: "goes by today's configuration",
    script: `is DEL && ! printf '%s' "$in" | grep -q multi-nic-ipam && exit 0`,
    says: /left in the container/,
  },
  {
    id: 36,
    what: 'gives up when the delegate is not there',
    script: 'is DEL && [ ! -e "${CNI_PATH%%:*}/macvlan" ] && exit 1',
    says: /after DEL without the binary/,
  },
  {
    id: 37,
    what: 'forgets a DEL without its daemon',
    script: 'is DEL && [ ! -S /run/multinic/cni.sock ] && exit 0',
    says: /left in the container/,
  },
  {
    id: 38,
    what: 'fails when two come at once',
    script:
      'is DEL && { mkdir "$state/lock" || { echo \'{"code":999,"msg":"busy"}\'; exit 1; }; sleep 0.3; go; rmdir "$state/lock"; exit 0; }',
    says: /three DELs at once/,
  },
  { id: 39, what: 'checks nothing', script: 'is CHECK && exit 0', says: /with another MTU/ },
  {
    id: 40,
    what: 'does not ask its delegates',
    script: `is CHECK && printf '%s' "$in" | grep -q prevResult && exit 0`,
    says: /CHECK was asked for nothing/,
  },
  { id: 41, what: 'is always ready', script: 'is STATUS && exit 0', says: /STATUS without the delegate/ },
  {
    id: 42,
    what: 'asks delegates that know no STATUS',
    script: 'is STATUS && { printf \'%s\' "$in" | "${CNI_PATH%%:*}/macvlan"; exit $?; }',
    says: /STATUS with an old delegate/,
  },
  { id: 43, what: 'collects no garbage', script: 'is GC && exit 0', says: /after GC: left/ },
  {
    id: 44,
    what: 'takes a missing list for an empty one',
    script: `is GC && in=$(printf '%s' "$in" | sed 's/^{/{"cni.dev\\/valid-attachments":[],/')`,
    says: /GC took away/,
  },
  { id: 45, what: 'does not pass GC on', script: `is GC && { ${withoutFirst}; }`, says: /GC where delegates fail/ },
  {
    id: 46,
    what: 'looks in the last folder only',
    script: 'CNI_PATH=${CNI_PATH##*:} go; exit $?',
    says: /was not run/,
  },
  {
    id: 47,
    what: "gives its delegate another container's name",
    script:
      'is ADD && { go; status=$?; printf \'%s\' "$in" | CNI_CONTAINERID=other "${CNI_PATH%%:*}/macvlan" > /dev/null 2>&1; exit $status; }',
    says: /ADD was called for|container other/,
  },
  {
    id: 48,
    what: 'passes addresses and MAC on',
    script:
      'is ADD && { go; status=$?; printf \'%s\' "$in" | "${CNI_PATH%%:*}/macvlan" > /dev/null 2>&1; exit $status; }',
    says: /CNI_ARGS of net1 has IP, MAC, GATEWAY/,
  },
  { id: 49, what: 'throws away what its delegate says', script: withoutFirst, says: /it was not run/ },
  { id: 50, what: 'forgets what it had begun', script: 'is DEL && exit 0', says: /left in the container|still held/ },
];

/** The script as a file's text. `state`: a folder of its own. */
export function scriptOf(plugin: BrokenPlugin, real: string, state: string): string {
  return `#!/bin/sh
real=${real}
state=${state}
in=$(cat)
is() { [ "\${CNI_COMMAND-}" = "$1" ]; }
go() { printf '%s' "$in" | "$real"; }
${plugin.script}
go
`;
}
