#!/bin/sh
# run.sh WHAT [ARG...]: set-up as far as WHAT needs it, then WHAT on the pinned Node. What npm's scripts call.
set -eu
cd "$(dirname "$0")/.."
what=${1:?"use: run.sh setup|demo|lab:clean|multinic|test|e2e|check|bench|conformance|faults|format|generate [ARG...]"}
shift

begin=$(date +%s.%N)
case $what in
  check | format | generate) sh tools/setup.sh npm ;;
  test) sh tools/setup.sh packages npm shim oldkubectl ;;
  *) sh tools/setup.sh ;;
esac
MULTINIC_SETUP_SECONDS=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.2f", b - a }')
export MULTINIC_SETUP_SECONDS
PATH=$PWD/node_modules/.bin:$PATH:/usr/sbin:/sbin
export PATH
# A lab with many pods opens many files; no matter where the hard limit forbids it.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

case $what in
  setup) echo "setup: ready (${MULTINIC_SETUP_SECONDS} s)" >&2 ;;
  demo) exec node src/cli/main.ts lab demo "$@" ;;
  lab:clean) exec node src/cli/main.ts lab clean "$@" ;;
  multinic) exec node src/cli/main.ts "$@" ;;
  test)
    old=$PWD/build/debian-kubectl/usr/bin/kubectl
    [ -n "${MULTINIC_TEST_KUBECTL:-}" ] || [ ! -x "$old" ] || export MULTINIC_TEST_KUBECTL="$old"
    exec node node_modules/vitest/vitest.mjs run "$@"
    ;;
  e2e) exec node test/e2e/main.ts "$@" ;;
  check) exec node tools/check.ts "$@" ;;
  bench) exec node bench/main.ts "$@" ;;
  conformance) exec node test/conformance/main.ts "$@" ;;
  faults) exec node test/faults/main.ts "$@" ;;
  format) exec biome check --write "$@" ;;
  generate) exec node tools/generate.ts "$@" ;;
  *) echo "run.sh: unknown \"$what\"" >&2; exit 2 ;;
esac
