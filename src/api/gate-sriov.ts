import type { Findings } from './findings.ts';
import { pluginArg } from './plugin-args.ts';

/** What sriov-cni (v2.10.0) and the kernel's VF rates refuse about arguments together; each for itself was judged before. */
export function checkSriovArgs(args: Readonly<Record<string, string>>, findings: Findings): void {
  const numbers = new Map(
    Object.entries(args).flatMap(([given, text]) => {
      const arg = text === '' ? undefined : pluginArg('sriov', given, text);
      return arg?.ok === true ? [[arg.name, { given, value: arg.value }] as const] : [];
    }),
  );
  for (const name of ['mac', 'deviceID'].filter((one) => (args[one] ?? '') !== '')) {
    findings.add(
      `spec.plugin.args.${name}`,
      'is of one interface, and pods have several: leave it out; a pod asks for its MAC in the annotation',
    );
  }
  const vlan = numbers.get('vlan')?.value ?? 0;
  for (const name of ['vlanQoS', 'vlanProto']) {
    const one = numbers.get(name);
    if (one === undefined || one.value === 0 || vlan !== 0) continue;
    findings.add(`spec.plugin.args.${one.given}`, 'is about a VLAN, and there is none: give vlan too, or leave it out');
  }
  const [least, most] = [numbers.get('min_tx_rate'), numbers.get('max_tx_rate')];
  if (least === undefined || most === undefined || most.value === 0 || Number(least.value) <= Number(most.value))
    return;
  findings.add(`spec.plugin.args.${least.given}`, `is more than ${most.given}: give at most ${most.value} Mbit/s`);
}
