import type { Rule } from '../schema.ts';

// Every rule asks for a field of ours first: no manifest of the predecessor is refused by one.
const listed = `(has(self.subnets) ? self.subnets : []) + (has(self.subnet) && self.subnet != '' ? [self.subnet] : [])`;
const bits = '(self.addressing.hostBlock + self.addressing.interfaceBlock)';
const spare = `(cidr(one).ip().family() == 4 ? 32 : 128) - cidr(one).prefixLength()`;

/** Rules between the fields of MultiNicNetwork.spec. */
export const networkRules: readonly Rule[] = [
  {
    rule: 'has(self.ipam) != has(self.addressing)',
    message:
      'give exactly one of ipam (JSON text) and addressing, for example addressing: {interfaceBlock: 2, hostBlock: 6}',
    fieldPath: '.addressing',
  },
  {
    rule: "!has(self.subnets) || size(self.subnets) == 0 || !has(self.subnet) || self.subnet == ''",
    message: 'subnet and subnets exclude each other: write all prefixes into subnets',
    fieldPath: '.subnets',
  },
  {
    rule: `!has(self.addressing) || (${listed}).all(one, !isCIDR(one) || ${spare} >= ${bits})`,
    message:
      'interfaceBlock and hostBlock together need more bits than the subnet has behind its prefix: lower them or give a larger subnet',
    fieldPath: '.addressing',
  },
  {
    rule: '!has(self.addressing) || !has(self.multiNICIPAM) || self.multiNICIPAM',
    message: 'multiNICIPAM: false contradicts addressing, which serves all NICs at once: leave it out',
    fieldPath: '.addressing',
  },
  {
    rule: "!has(self.addressing) || !has(self.addressing.vlanMode) || self.addressing.vlanMode == 'l2' || self.plugin.type != 'macvlan'",
    message: 'macvlan works on layer 2 and cannot be vlanMode l3 or l3s: use plugin type ipvlan, or vlanMode l2',
    fieldPath: '.addressing.vlanMode',
  },
];

/** Rules of `subnets`. */
export const subnetsRules: readonly Rule[] = [
  {
    rule: 'self.all(one, isCIDR(one) && cidr(one) == cidr(one).masked())',
    message: 'each entry is a prefix without bits behind its length, for example 192.168.0.0/16 or fd00:10::/48',
  },
  {
    rule: 'size(self) < 2 || !self.all(one, isCIDR(one)) || cidr(self[0]).ip().family() != cidr(self[1]).ip().family()',
    message: 'two subnets are one IPv4 and one IPv6 prefix',
  },
];

/** Rule of a text that is a prefix or an address. */
export const prefixOrAddressRules: readonly Rule[] = [
  {
    rule: 'isIP(self) || (isCIDR(self) && cidr(self) == cidr(self).masked())',
    message: 'is neither an address nor a prefix without bits behind its length: for example 10.1.0.5 or 10.1.0.0/28',
  },
];

/** Rules of one pod route. */
export const routeRules: readonly Rule[] = [
  {
    rule: 'isCIDR(self.dst) && cidr(self.dst) == cidr(self.dst).masked()',
    message: 'is no prefix without bits behind its length: for example 10.20.0.0/16',
    fieldPath: '.dst',
  },
  {
    rule: "!has(self.gw) || self.gw == '' || isIP(self.gw)",
    message: 'is no address: for example 192.168.0.1',
    fieldPath: '.gw',
  },
  {
    rule: '!has(self.gw) || !isIP(self.gw) || !isCIDR(self.dst) || ip(self.gw).family() == cidr(self.dst).ip().family()',
    message: 'gateway and destination are of one family: both IPv4 or both IPv6',
    fieldPath: '.gw',
  },
];
