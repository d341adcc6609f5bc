import type { RawCall, Stamp } from '../../../src/cni/types.ts';

export const bootId = '6a3c9d1e-0f3b-4c53-9d5c-0b6a7d3f1a2b';
export const otherBootId = '11111111-2222-4333-8444-555555555555';
export const stamp: Stamp = { bootId, ns: 1_234_567_890n };

const environment = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c0ffee',
  CNI_NETNS: '/run/netns/pod-1',
  CNI_IFNAME: 'net1',
  CNI_PATH: '/opt/cni/bin',
};

export const config = {
  cniVersion: '1.0.0',
  name: 'multi-net',
  type: 'multi-nic',
  plugin: { cniVersion: '1.0.0', type: 'ipvlan', mode: 'l3' },
  ipam: { type: 'multi-nic-ipam', hostBlock: 8 },
};

/** A good ADD; what the test is about is given over it. `undefined` unsets a variable. */
export function rawCall(variables: Record<string, string | undefined> = {}, stdin: unknown = config): RawCall {
  const merged = Object.entries({ ...environment, ...variables });
  return {
    environment: Object.fromEntries(merged.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
    stdin: typeof stdin === 'string' ? stdin : JSON.stringify(stdin),
    stamp,
  };
}
