#!/bin/sh
# build-cnitool.sh: builds cnitool (libcni's own runtime) from its Go module, as test/e2e/tools/cnitool pins it, and keeps it outside
# the work tree beside the programs of build-e2e.sh. Does nothing when it is there. Prints its path.
# Exit status 3: it is not there, and there is no Go to build it with.
set -eu
cd "$(dirname "$0")/../test/e2e/tools/cnitool"
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multinic/e2e
folder=$cache/cnitool-$( (cat ./* ../../../../tools/build-cnitool.sh; uname -m) | sha256sum | cut -c1-12)
if [ ! -x "$folder/cnitool" ]; then
  command -v go >/dev/null || { echo 'cnitool: no Go on this machine' >&2; exit 3; }
  temporary=$folder.new.$$
  mkdir -p "$temporary"
  trap 'rm -rf "$temporary"' EXIT
  CGO_ENABLED=0 GOWORK=off GOFLAGS="${MULTINIC_E2E_GOFLAGS:-}" go build -mod=readonly -buildvcs=false -trimpath -ldflags '-s -w' \
    -o "$temporary/cnitool" github.com/containernetworking/cni/cnitool >&2
  mv -T "$temporary" "$folder" 2>/dev/null || rm -rf "$temporary"
fi
echo "$folder/cnitool"
