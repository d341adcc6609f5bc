import { plugins } from '../delegations.ts';
import type { Rule } from '../schema.ts';
import { unusable } from '../unusable.ts';

// Every rule asks for a field of ours first: no manifest of the predecessor is refused by one.
const listed = `(has(self.subnets) ? self.subnets : []) + (has(self.subnet) && self.subnet != '' ? [self.subnet] : [])`;
const bits = '(self.addressing.hostBlock + self.addressing.interfaceBlock)';
const spare = `(cidr(one).ip().family() == 4 ? 32 : 128) - cidr(one).prefixLength()`;

/** Whether hosts route: pods of all other networks share a segment with their gateways. */
const routed = `((has(self.plugin.args) && 'mode' in self.plugin.args && self.plugin.args['mode'] in ['l3', 'l3s']) || (has(self.addressing.vlanMode) && self.addressing.vlanMode != 'l2'))`;
const behindSbr = `!${routed} && has(self.plugin.metaPlugins) && self.plugin.metaPlugins.exists(one, has(one.type) && one.type == 'sbr')`;
/** Plugins that cannot be vlanMode l3. */
const switched = [...plugins].flatMap(([type, { modes }]) => (modes.includes('l3') ? [] : [`'${type}'`])).join(', ');
const taken = unusable.map((prefix) => `'${prefix}'`).join(', ');

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
    rule: `!has(self.addressing) || (${listed}).size() > 0`,
    message: 'addressing divides a subnet: give one, for example subnet: 192.168.0.0/16',
    fieldPath: '.subnet',
  },
  {
    rule: `!has(self.addressing) || !has(self.addressing.vlanMode) || self.addressing.vlanMode == 'l2' || !(self.plugin.type in [${switched}])`,
    message:
      'macvlan works on layer 2 and cannot be vlanMode l3 or l3s, nor can any other but ipvlan: use plugin type ipvlan, or vlanMode l2',
    fieldPath: '.addressing.vlanMode',
  },
  {
    rule: `!has(self.addressing) || !has(self.addressing.vlanMode) || self.plugin.type != 'ipvlan' || !has(self.plugin.args) || !('mode' in self.plugin.args) || self.plugin.args['mode'] in ['', self.addressing.vlanMode]`,
    message: 'vlanMode contradicts plugin.args.mode: make them equal or leave one out',
    fieldPath: '.addressing.vlanMode',
  },
  {
    rule: `!has(self.addressing) || !has(self.addressing.routes) || ${routed} || [(${listed}).filter(one, isCIDR(one)).map(one, cidr(one))].all(nets, size(nets) == 0 || self.addressing.routes.all(route, !has(route.gw) || !isIP(route.gw) || nets.exists(net, net.containsIP(route.gw))))`,
    message: 'on layer 2 a pod reaches gateways in its own subnet only: name gateways there',
    fieldPath: '.addressing.routes',
  },
  {
    rule: `!has(self.addressing) || !has(self.addressing.routes) || !self.addressing.routes.exists(one, has(one.gw) && one.gw != '') || !(${behindSbr})`,
    message:
      'gateways cannot be reached behind sbr (plugin.metaPlugins), which takes the routes of the NICs out of the main table: leave out these routes, or sbr',
    fieldPath: '.addressing.routes',
  },
  {
    rule: `!has(self.addressing) || !self.addressing.sourceRouting || !(${behindSbr})`,
    message: 'does what sbr (plugin.metaPlugins) does, with tables of its own: leave out one of them',
    fieldPath: '.addressing.sourceRouting',
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
  {
    rule: `[${taken}].all(taken, self.all(one, !isCIDR(one) || !(cidr(taken).containsCIDR(one) || cidr(one).containsCIDR(taken))))`,
    message: `no pod can carry addresses of ${unusable.join(', ')}: choose another prefix`,
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
