import manifest from '../../package.json' with { type: 'json' };

/** Of this program; in user agents and `--version`. */
export const { version } = manifest;
