import { CniError, code } from '../../../api/cni-error.ts';
import type { HostPlan, Nic } from '../../../api/host.ts';
import { messageOf } from '../../../api/message-of.ts';
import type { ContainerCall } from '../../../cni/types.ts';
import type { PodDevice } from '../../../policy/types.ts';
import { keyText } from '../../../store/key.ts';
import { nicOf } from '../../devices/nic-of.ts';
import type { GivenDevice } from '../../devices/types.ts';
import type { AttachContext } from '../context.ts';
import { heldName } from './nic-use.ts';

/**
 * The devices from which a pod's interfaces of a network are made: all that kubelet gave the pod of the network's resources, with the
 * one that Multus hands over (it has one for each attachment); without those that other attachments use. Undefined where the network's
 * delegate takes no devices.
 * @throws CniError 102 when there is none, 11 when kubelet does not say
 */
export async function devicesFor(
  context: AttachContext,
  plan: HostPlan,
  call: ContainerCall,
): Promise<readonly PodDevice[] | undefined> {
  if (plan.binding !== 'deviceID') return undefined;
  const { handed = [], resources = [] } = call.conf.devices ?? {};
  const given = await givenTo(context, call, handed);
  const wanted = resources.length > 0 ? resources : given.filter(({ id }) => handed.includes(id)).map(resourceOf);
  const ids = [...new Set([...handed, ...given.filter((one) => wanted.includes(one.resource)).map(({ id }) => id)])];
  if (ids.length === 0) throw none(plan, call, resources);
  const nics = context.nics();
  const read = (path: string): string | undefined => context.kernel.sysfs(path);
  const devices = ids.map((id) => ({ id, nic: nicOf(id, nics, read), handed: handed.includes(id) }));
  const holders = devices.map(({ id, nic }) => holderOf(context, call, id, nic));
  const free = devices.filter((_, index) => holders[index] === undefined);
  if (free.length === 0) {
    const used = ids.map((id, index) => `${id} (attachment ${holders[index]})`).join(', ');
    throw unsatisfiable(
      plan,
      `all devices of the pod are in use: ${used}; give the pod more, or let each network take fewer with nics in cni-args`,
    );
  }
  return free.map(({ id, nic, ...rest }) => ({ id, ...rest, ...(nic === undefined ? {} : { nic: nic.name }) }));
}

/** Without kubelet's word, what Multus hands over is used alone. */
async function givenTo(
  { devicesOf, log }: AttachContext,
  { key, pod }: ContainerCall,
  handed: readonly string[],
): Promise<readonly GivenDevice[]> {
  // Called by hand, or by a runtime that is not Kubernetes'.
  if (devicesOf === undefined || pod.name === '') return [];
  try {
    return await devicesOf(pod);
  } catch (error) {
    const why = messageOf(error);
    if (handed.length === 0) throw new CniError(code.tryAgainLater, `attachment ${keyText(key)}: ${why}`, '', error);
    log.warn(
      { attachment: keyText(key), err: error, devices: handed },
      'only the device that Multus hands over is used',
    );
    return [];
  }
}

function resourceOf({ resource }: GivenDevice): string {
  return resource;
}

/** The other attachment that uses a device. */
function holderOf(
  { store }: AttachContext,
  { key }: ContainerCall,
  id: string,
  nic: Nic | undefined,
): string | undefined {
  const held = nic === undefined ? id : heldName({ nic, device: id });
  for (const [name, { masters }] of store.attachments) {
    if (name !== keyText(key) && masters.some((one) => one.exclusive && one.nic === held)) return name;
  }
  return undefined;
}

function none(plan: HostPlan, { pod }: ContainerCall, resources: readonly string[]): CniError {
  if (resources.length === 0) {
    return unsatisfiable(
      plan,
      'its configuration names no device and no resourceNames: use the NetworkAttachmentDefinition that the operator makes',
    );
  }
  const example = resources.map((name) => `${name}: 1`).join(', ');
  return unsatisfiable(
    plan,
    `kubelet has given pod ${pod.namespace}/${pod.name} no device of ${resources.join(', ')}: ask for it in a container's resources.limits, for example {${example}}`,
  );
}

function unsatisfiable({ network }: HostPlan, message: string): CniError {
  return new CniError(code.unsatisfiable, `network "${network}": ${message}`);
}
