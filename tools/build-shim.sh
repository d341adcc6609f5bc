#!/bin/sh
# Compiles the CNI plugin binary (or what SOURCE names): one static C program. Says what it does; does nothing when the binary is newer.
#   [SOURCE=src/spawner/spawner.c] tools/build-shim.sh [OUTPUT [COMPILER OPTION ...]]
# Options are for test builds, which shorten time limits (-DADD_WAIT_MS=500; see the source). CC names another compiler.
set -eu
cd "$(dirname "$0")/.."
source=${SOURCE:-src/shim/multi-nic.c}
output=${1:-build/shim/multi-nic}
[ $# -eq 0 ] || shift

if [ -e "$output" ] && [ "$output" -nt "$source" ] && [ "$output" -nt tools/build-shim.sh ]; then
  echo "build-shim: $output is up to date"
  exit 0
fi
if ! command -v "${CC:-gcc}" >/dev/null; then
  echo "build-shim: no C compiler (${CC:-gcc}): install one, on Debian with: apt-get install gcc libc6-dev" >&2
  exit 1
fi
mkdir -p "$(dirname "$output")"
# Under a name of its own until whole, so that neither a reader nor a second build at the same time sees half a file.
temporary=$output.$$
trap 'rm -f "$temporary"' EXIT
"${CC:-gcc}" -std=gnu11 -Os -Wall -Wextra -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffunction-sections -Wl,--gc-sections -static -s \
  "$@" -o "$temporary" "$source"
mv "$temporary" "$output"
echo "build-shim: compiled $source to $output ($(wc -c <"$output") bytes)"
