# Runs as the first process of a lab host, in new network and mount namespaces, and holds them.
# $1: the host's folder (var/lib/multinic, var/lib/cni)   $2…: programs for /opt/cni/bin
set -e
dir=$1
shift
# Copies of other namespaces' mounts would keep those namespaces alive for as long as this host.
while read -r _ at kind _; do
  [ "$kind" = nsfs ] || continue
  # Gone by itself when its namespace was removed meanwhile.
  umount -l "$at" 2>/dev/null || ! grep -q " $at nsfs " /proc/self/mounts
done < /proc/self/mounts
for at in /run/multinic /run/netns /opt/cni/bin; do
  mkdir -p "$at"
  mount -t tmpfs -o mode=0755,size=64m multinic-lab "$at"
done
for at in /var/lib/multinic /var/lib/cni; do
  mkdir -p "$at" "$dir$at"
  mount --bind "$dir$at" "$at"
done
for program in "$@"; do
  cp "$program" /opt/cni/bin/
done
if [ -e /opt/cni/bin/multi-nic ]; then
  cp /opt/cni/bin/multi-nic /opt/cni/bin/multi-nic-ipam
fi
mount -t sysfs sysfs /sys
# As a plain server: no forwarding, loose source checks, addresses usable at once, no router listened to.
set_sysctl() {
  if [ -e "/proc/sys/net/$1" ]; then echo "$2" > "/proc/sys/net/$1"; fi
}
set_sysctl ipv4/ip_forward 0
set_sysctl ipv4/conf/default/rp_filter 2
set_sysctl ipv6/conf/all/forwarding 0
set_sysctl ipv6/conf/default/accept_dad 0
set_sysctl ipv6/conf/default/accept_ra 0
echo ready
exec sleep infinity > /dev/null 2>&1
