#!/bin/sh
# build-e2e.sh [MODULE...]: builds programs from their Go modules, as test/e2e/tools pins them, and keeps them outside the work tree:
# ${XDG_CACHE_HOME:-~/.cache}/multinic/e2e/<module>-<hash>/. By default etcd, multus (Multus) and kubernetes (kube-apiserver,
# kube-controller-manager, kube-scheduler); the others on demand. Does nothing for what is there already (then no Go is needed).
# Progress on stderr; on stdout a line for each module: its name and its folder.
# Exit status 3: they are not there, and there is no Go to build them with.
set -eu
script=$(realpath "$0")
cd "$(dirname "$script")/../test/e2e/tools"
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/multinic/e2e
modules=${*:-etcd multus kubernetes}
running=''
# How often a build that takes long says how far it is, s.
step=${MULTINIC_E2E_PROGRESS:-15}
# The settings of a person's own Go work have no say here.
export CGO_ENABLED=0 GOWORK=off GOFLAGS="${MULTINIC_E2E_GOFLAGS:-}"

say() { echo "e2e: $*" >&2; }

# What is built of a module, the module that its version is that of, and flags of the linker.
package() {
  case $1 in
    etcd | kubernetes | pod-resources) echo . ;;
    multus | multus-routes) echo gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus ;;
    cnitool) echo github.com/containernetworking/cni/cnitool ;;
    tap | dummy) echo "github.com/containernetworking/plugins/plugins/main/$1" ;;
    whereabouts) echo github.com/k8snetworkplumbingwg/whereabouts/cmd ;;
    *) say "unknown module \"$1\": use etcd, multus, multus-routes, kubernetes, cnitool, whereabouts, pod-resources, tap, dummy"; exit 2 ;;
  esac
}
versioned() {
  case $1 in
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    multus | multus-routes) echo gopkg.in/k8snetworkplumbingwg/multus-cni.v4 ;;
    kubernetes) echo k8s.io/kubernetes ;;
    cnitool) echo github.com/containernetworking/cni ;;
    tap | dummy) echo github.com/containernetworking/plugins ;;
    whereabouts) echo github.com/k8snetworkplumbingwg/whereabouts ;;
    pod-resources) echo k8s.io/kubelet ;;
  esac
}
release() { awk -v module="$(versioned "$1")" '$1 == "require" && $2 == module { print $3 } $1 == module { print $2 }' "$1/go.mod" | head -n 1; }
linked() {
  printf %s '-s -w'
  [ "$1" = kubernetes ] || return 0
  for at in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf %s " -X $at.gitVersion=$(release "$1") -X $at.gitMajor=1 -X $at.gitMinor=$(release "$1" | cut -d. -f2)"
  done
}

# A folder's name tells what was built: sources, versions and their checksums, how, and for what machine.
folder() { echo "$cache/$1-$( (cat "$1"/*; package "$1"; linked "$1"; uname -m) | sha256sum | cut -c1-12)"; }

elapsed() { echo "$(($(date +%s) - begin)) s"; }

# Runs a command of Go's in a module's folder, its words in a log; says every $step seconds what $1 makes of the log.
watched() {
  tell=$1
  shift
  log=$temporary/log
  : >"$log"
  (cd "$module" && exec "$@" 2>>"$log") &
  running=$!
  next=$(($(date +%s) + step))
  while kill -0 "$running" 2>/dev/null; do
    sleep 0.3
    [ "$(date +%s)" -ge "$next" ] || continue
    next=$((next + step))
    say "  $("$tell"), $(elapsed)"
  done
  if wait "$running"; then return 0; fi
  tail -n 30 "$log" >&2
  say "$module $version could not be built ($(elapsed); Go's words above)."
  say "what to do: see that Go reaches its module proxy (GOPROXY=$(go env GOPROXY)) and that $(go env GOCACHE) and $cache have 5 GB of room, then run this again: it goes on where it stopped"
  exit 1
}
downloading() { echo "$module: $(grep -c '^go: downloading' "$log" || true) modules downloaded"; }
compiling() { echo "$module: $(grep -cv '^go: ' "$log" || true) of up to $packages packages compiled ($(tail -n 1 "$log"))"; }

build() {
  version=$(release "$module")
  temporary=$1.new.$$
  mkdir -p "$temporary"
  trap 'rm -rf "$temporary"' EXIT
  trap 'kill "$running" 2>/dev/null || true; exit 130' INT TERM HUP
  say "building $at of $missing: $module $version"
  watched downloading go list -mod=readonly -deps "$(package "$module")" >"$temporary/packages"
  packages=$(wc -l <"$temporary/packages")
  watched compiling go build -v -mod=readonly -buildvcs=false -trimpath -ldflags "$(linked "$module")" -o "$temporary/$module" "$(package "$module")"
  if [ "$module" = kubernetes ]; then
    for name in kube-apiserver kube-controller-manager kube-scheduler; do ln -s kubernetes "$temporary/$name"; done
  fi
  rm -f "$temporary/log" "$temporary/packages"
  # Whole at once; another build that was quicker has made the same.
  mv -T "$temporary" "$1" 2>/dev/null || rm -rf "$temporary"
  say "built $at of $missing: $module $version ($(elapsed) so far)"
}

missing=0
for module in $modules; do
  package "$module" >/dev/null
  [ -d "$(folder "$module")" ] || missing=$((missing + 1))
done
if [ "$missing" -gt 0 ]; then
  command -v go >/dev/null || { say 'no Go on this machine: e2e not run'; exit 3; }
  if [ "${MULTINIC_E2E_LOCKED:-}" != 1 ] && command -v flock >/dev/null; then
    mkdir -p "$cache"
    flock --nonblock "$cache/lock" true || say 'another build runs: waiting for it'
    MULTINIC_E2E_LOCKED=1 exec flock "$cache/lock" sh "$script" $modules
  fi
  say "$missing of the programs that these tests need are not in $cache yet; the first time on a machine all of them take 5 to 10 minutes"
fi
begin=$(date +%s)
at=0
for module in $modules; do
  to=$(folder "$module")
  if [ ! -d "$to" ]; then
    at=$((at + 1))
    build "$to"
  fi
  echo "$module $to"
done
