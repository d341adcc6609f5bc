#!/bin/sh
# build-e2e.sh: builds etcd, kube-apiserver, kube-controller-manager, kube-scheduler and Multus from their Go modules, as
# test/e2e/tools pins them, and keeps them outside the work tree: ${XDG_CACHE_HOME:-~/.cache}/multinic/e2e/<module>-<hash>/.
# Does nothing for what is there already (then no Go is needed). Progress on stderr; on stdout a line for each module, its folder.
# Exit status 3: they are not there, and there is no Go to build them with.
set -eu
cd "$(dirname "$0")/../test/e2e/tools"
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multinic/e2e
# How often a build that takes long says how far it is, s.
step=15
# The settings of a person's own Go work have no say here.
export CGO_ENABLED=0 GOWORK=off GOFLAGS="${MULTINIC_E2E_GOFLAGS:-}"

say() { echo "e2e: $*" >&2; }

# A folder's name tells what was built: sources, versions and their checksums, how, and for what machine.
folder() {
  echo "$cache/$1-$( (cat "$1"/* ../../../tools/build-e2e.sh; uname -m) | sha256sum | cut -c1-12)"
}

version() { awk -v module="$1" '$1 == "require" && $2 == module { print $3 } $1 == module { print $2 }' "$2/go.mod" | head -n 1; }

# Compiles a package into a file; says how far it is.
compile() {
  module=$1 output=$2 flags=$3 package=$4
  log=$temporary/log
  : >"$log"
  (cd "$module" && exec go build -v -mod=readonly -buildvcs=false -trimpath -ldflags "-s -w $flags" -o "$output" "$package" 2>"$log") &
  build=$!
  waited=0
  while kill -0 "$build" 2>/dev/null; do
    sleep 1
    waited=$((waited + 1))
    [ $((waited % step)) -ne 0 ] || say "$module: $waited s, $(grep -cv '^go: ' "$log" || true) packages compiled ($(tail -n 1 "$log"))"
  done
  if wait "$build"; then return 0; fi
  tail -n 30 "$log" >&2
  say "$module: could not be built (Go's words above)"
  exit 1
}

build() {
  temporary=$2.new.$$
  mkdir -p "$temporary"
  trap 'rm -rf "$temporary"' EXIT
  trap 'kill "$build" 2>/dev/null || true; exit 130' INT TERM HUP
  say "building $1 ($3); the first time on a machine this takes minutes"
  begin=$(date +%s)
  case $1 in
    kubernetes)
      flags=''
      for at in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags="$flags -X $at.gitVersion=$3 -X $at.gitMajor=1 -X $at.gitMinor=$(echo "$3" | cut -d. -f2)"
      done
      compile kubernetes "$temporary/kubernetes" "$flags" .
      for name in kube-apiserver kube-controller-manager kube-scheduler; do ln -s kubernetes "$temporary/$name"; done
      ;;
    etcd) compile etcd "$temporary/etcd" '' . ;;
    multus) compile multus "$temporary/multus" '' gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus ;;
  esac
  rm -f "$temporary/log"
  # Whole at once; another build that was quicker has made the same.
  mv -T "$temporary" "$2" 2>/dev/null || rm -rf "$temporary"
  say "built $1 ($(($(date +%s) - begin)) s)"
}

for module in etcd multus kubernetes; do
  [ -d "$(folder "$module")" ] && continue
  command -v go >/dev/null || { say 'no Go on this machine: e2e not run'; exit 3; }
done
for module in etcd multus kubernetes; do
  to=$(folder "$module")
  case $module in
    etcd) release=$(version go.etcd.io/etcd/server/v3 etcd) ;;
    multus) release=$(version gopkg.in/k8snetworkplumbingwg/multus-cni.v4 multus) ;;
    kubernetes) release=$(version k8s.io/kubernetes kubernetes) ;;
  esac
  [ -d "$to" ] || build "$module" "$to" "$release"
  echo "$module $to"
done
