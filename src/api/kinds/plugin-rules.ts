import { chainedType, ownCapabilities, ownKeys, ownType } from '../chained.ts';
import type { Rule } from '../schema.ts';

/**
 * Rules of one entry of metaPlugins. A rule that meets a value of another type than the schema's is an error, which the API server holds
 * against a stored object too, not only against an edit: so the schema names no field that another plugin might use otherwise.
 */
export const metaPluginRules: readonly Rule[] = [
  {
    rule: "has(self.type) && self.type != ''",
    message: 'is missing: name the chained plugin, for example tuning',
    fieldPath: '.type',
  },
  {
    rule: `!has(self.type) || self.type == '' || (self.type.matches(r'${chainedType}') && !self.type.startsWith('${ownType}'))`,
    message: 'is no plugin that can be chained: name its binary, for example tuning',
    fieldPath: '.type',
  },
  ...ownKeys.map((key) => ({
    rule: `!has(self.${key})`,
    message: 'is not for chained plugins here: leave it out',
    fieldPath: `.${key}`,
  })),
  ...ownCapabilities.map((name) => ({
    rule: `!has(self.capabilities) || !has(self.capabilities.${name})`,
    message: 'is not for chained plugins, multinic gives it to the interfaces itself: leave it out',
    fieldPath: `.capabilities.${name}`,
  })),
];
