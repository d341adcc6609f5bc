#!/bin/sh
# Syntax of every shell script; shellcheck too, where it is installed.
set -eu
cd "$(dirname "$0")/../.."
for script in tools/*.sh tools/*/*.sh; do sh -n "$script"; done
bash -n .ci/run
if command -v shellcheck >/dev/null; then shellcheck tools/*.sh tools/*/*.sh .ci/run; fi
