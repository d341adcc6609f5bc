export const itemKinds = [
  'link',
  'address',
  'rule',
  'route',
  'sysctl',
  'namespace',
  'mount',
  'process',
  'row',
  'spool',
  'object',
] as const;
export type ItemKind = (typeof itemKinds)[number];

/** One thing that stands somewhere in the lab. */
export interface Item {
  readonly kind: ItemKind;
  /** A host's name, `machine` for the namespaces that the lab was started in, `cluster` for API objects. */
  readonly place: string;
  readonly text: string;
}

/** Everything that stands, each thing as often as it does. */
export type Listing = readonly Item[];
