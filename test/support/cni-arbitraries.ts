import fc from 'fast-check';
import { config } from '../unit/cni/raw-call.ts';

export const text = fc.string({ unit: 'binary', maxLength: 40 });

/** Mostly what is right, so that the other half of an input is looked at too. */
export function mostly<G, B>(good: fc.Arbitrary<G>, bad: fc.Arbitrary<B>): fc.Arbitrary<G | B> {
  return fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: bad });
}

export const variables = fc.record(
  {
    CNI_COMMAND: mostly(fc.constantFrom('ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'), text),
    CNI_CONTAINERID: mostly(fc.constant('c1'), text),
    CNI_NETNS: mostly(fc.constant('/run/netns/a'), text),
    CNI_IFNAME: mostly(fc.constant('net1'), text),
    CNI_PATH: mostly(fc.constant('/opt/cni/bin'), text),
    CNI_ARGS: mostly(fc.constantFrom('IgnoreUnknown=1;IP=10.0.0.1', 'MAC=02:00:00:00:00:01'), text),
  },
  { requiredKeys: ['CNI_COMMAND', 'CNI_PATH', 'CNI_IFNAME', 'CNI_CONTAINERID'] },
);
const json = fc.oneof(
  { withCrossShrink: true },
  fc.jsonValue(),
  fc.constantFrom({}, [], null, '', 'x', '10.0.0.1/24', 0),
);
const version = mostly(fc.constantFrom('0.3.1', '0.4.0', '1.0.0', '1.1.0'), json);
export const result = fc.record(
  {
    cniVersion: version,
    interfaces: fc.oneof(json, fc.array(fc.record({ name: json, mac: json, mtu: json, sandbox: json }))),
    ips: fc.oneof(json, fc.array(fc.record({ address: json, gateway: json, interface: json }))),
    routes: fc.oneof(json, fc.array(fc.record({ dst: json, gw: json, table: json }))),
    dns: json,
  },
  { requiredKeys: [] },
);
export const configs: fc.Arbitrary<string> = fc
  .record(
    {
      cniVersion: version,
      name: mostly(fc.constant('multi-net'), json),
      type: mostly(fc.constant('multi-nic'), json),
      plugin: json,
      ipam: json,
      dns: json,
      prevResult: fc.oneof(json, result),
      args: fc.oneof(
        json,
        fc.record({ cni: fc.oneof(json, fc.record({ nics: json, masters: json, ips: json, mac: json, macs: json })) }),
      ),
      runtimeConfig: fc.oneof(json, fc.record({ ips: json, mac: json, bandwidth: json })),
      'cni.dev/valid-attachments': json,
    },
    { requiredKeys: [] },
  )
  .map((changes) => JSON.stringify({ ...config, ...changes }));
