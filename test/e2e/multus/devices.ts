import type { LabHost } from '../../../src/lab/hosts/hosts.ts';
import type { Outcome } from '../../../src/lab/run/runner.ts';

/** What stands in for SR-IOV on a lab host: two NICs with a virtual function each in sysfs, kubelet's own service, a recording sriov-cni. */
export interface Devices {
  /** Of each call that reached the plugin: verb, interface, device. */
  calls(): Promise<string[]>;
  close(): Promise<void>;
}

/** The two virtual functions, of eth2 and eth1: Multus hands over the first by name, which is not of the first NIC. */
export const virtualFunctions = ['0000:3b:02.0', '0000:5e:02.0'];

/** Held by all who need the directory below, each until its service has ended. */
const lock = '/run/multinic-lab/kubelet.lock';

/** In the host's mount namespace only; the machine's own directory is made where there is none. */
const lay = `
exec 9>${lock}
flock --shared 9
[ -d /var/lib/kubelet ] || mkdir /var/lib/kubelet
mount -t tmpfs lab-kubelet /var/lib/kubelet
mkdir /var/lib/kubelet/pod-resources
mount -t tmpfs lab-nics /sys/class/net
mount -t tmpfs lab-pci /sys/bus/pci/devices
for pair in eth1/0000:5e eth2/0000:3b; do
  pf=\${pair#*/}:00.0 vf=\${pair#*/}:02.0
  mkdir -p "/sys/class/net/\${pair%/*}/device" "/sys/bus/pci/devices/$vf/physfn"
  printf 'DRIVER=lab\\nPCI_SLOT_NAME=%s\\n' "$pf" | tee "/sys/class/net/\${pair%/*}/device/uevent" >"/sys/bus/pci/devices/$vf/physfn/uevent"
done
cat >/opt/cni/bin/sriov <<'END'
#!/bin/sh
in=$(cat)
[ "$CNI_COMMAND" = VERSION ] && { echo '{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}'; exit 0; }
echo "$CNI_COMMAND $CNI_IFNAME $(printf %s "$in" | sed 's/.*"deviceID":"\\([^"]*\\)".*/\\1/')" >>/opt/cni/bin/sriov.log
printf %s "$in" | sed 's/"type":"sriov"/"type":"macvlan","master":"eth1","mode":"bridge"/' | /usr/lib/cni/macvlan
END
chmod +x /opt/cni/bin/sriov
printf %s "$2" >/var/lib/kubelet/pods.json
"$1" /var/lib/kubelet/pod-resources/kubelet.sock /var/lib/kubelet/pods.json >/dev/null 2>&1 &
echo $! >/var/lib/kubelet/pid
while [ ! -S /var/lib/kubelet/pod-resources/kubelet.sock ]; do sleep 0.05; done
# The daemon looks again.
ip link set dev eth1 alias pf
`;

const clear = `
kill "$(cat /var/lib/kubelet/pid)"
umount -l /sys/bus/pci/devices /sys/class/net /var/lib/kubelet
# Another run may have laid its own over it, which would go with it.
flock --timeout 5 ${lock} rmdir /var/lib/kubelet 2>/dev/null || true
rm -f /opt/cni/bin/sriov /opt/cni/bin/sriov.log
ip link set dev eth1 alias ''
`;

/**
 * @param program pod-resources of test/e2e/tools
 * @param pods what kubelet says, as its API has it in JSON
 */
export async function layDevices(host: LabHost, program: string, pods: object): Promise<Devices> {
  const run = async (script: string, ...args: string[]): Promise<Outcome> => {
    const outcome = await host.exec(['sh', '-euc', script, 'sh', ...args]);
    if (outcome.code !== 0) throw new Error(`devices on ${host.name}: ${outcome.stderr}`);
    return outcome;
  };
  await run(lay, program, JSON.stringify(pods));
  return {
    calls: async () => (await run('cat /opt/cni/bin/sriov.log')).stdout.trim().split('\n').toSorted(),
    close: async () => {
      await run(clear);
    },
  };
}
