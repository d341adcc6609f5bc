// What spec.plugin.metaPlugins may say, for the gate and for the rules of the CRD alike.

/** The name of a plugin's binary; as text, for CEL (RE2) and JavaScript read it alike. */
export const chainedType = '^\\w[\\w.-]*$';
/** Of multinic's own binaries, which chain nothing behind themselves. */
export const ownType = 'multi-nic';
/** What multinic decides for each call. */
export const ownKeys: readonly string[] = ['name', 'cniVersion', 'prevResult', 'runtimeConfig'];
/** What multinic itself sees to: for each interface another, never the same for all. */
export const ownCapabilities: readonly string[] = ['ips', 'mac', 'deviceID'];
