/** Ranges from which a pod cannot carry an address (RFC 6890). */
export const unusable: readonly string[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::1/128',
  'fe80::/10',
  'ff00::/8',
];
