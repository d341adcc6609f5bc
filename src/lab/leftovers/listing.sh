# Prints what stands in the namespaces that it runs in, one item a line: <kind> TAB <item>. Its own eyes, not the product's.
# $1: host (everything), machine (without namespaces: other programs make them, a lab never does here), pod (neither those nor
# mounts: they are its host's)   $2: folder of the spool
export LC_ALL=C
tab=$(printf '\t')
items() { sed "s|^|$1$tab|"; }

# An address that the kernel still probes for a duplicate gets its route only afterwards, up to 2 s from now.
tries=0
while [ $tries -lt 30 ] && ip -6 -oneline address show up tentative -dadfailed | grep -q inet6; do
  tries=$((tries + 1))
  sleep 0.1
done

ip -oneline link show | sed -E 's/^[0-9]+: ([^:@]+).*/\1/' | items link
ip -oneline link show | sed -nE 's/^[0-9]+: ([^:@]+).*altname (.*)/\1 altname \2/p' | items link
ip -oneline address show | sed -E 's/^[0-9]+: ([^ ]+) +inet6? ([^ ]+).*/\2 on \1/' | items address
ip -4 rule show | sed -E 's/[[:space:]]+/ /g; s/ $//' | items rule
ip -6 rule show | sed -E 's/[[:space:]]+/ /g; s/ $//; s/$/ (v6)/' | items rule

# Expiry times, link states and the kernel's own caches move by themselves.
routes() {
  ip "$1" route show table all | grep -v ' cache ' |
    sed -E 's/ (expires|hoplimit|pref) [^ ]+//g; s/ (linkdown|dead)//g; s/[[:space:]]+/ /g; s/ $//' | items route
}
routes -4
routes -6

# `cat` of each file would be thousands of processes. mtu is the link's; the rest has no value to compare.
( cd /proc/sys/net && grep -rs '' ipv4/conf ipv6/conf ipv4/ip_forward ipv4/neigh ipv6/neigh ) |
  grep -v -e '/stable_secret:' -e '/mtu:' | sed 's/:/ = /' | items sysctl

if [ "$1" = host ]; then ls /run/netns | items namespace; fi
if [ "$1" != pod ]; then
  while read -r _ at type _; do
    if [ "$1" = machine ] && [ "$type" = nsfs ]; then continue; fi
    printf 'mount\t%s at %s\n' "$type" "$at"
  done < /proc/self/mounts
fi
if [ -n "${2:-}" ]; then ls "$2" 2>/dev/null | items spool; fi
exit 0
