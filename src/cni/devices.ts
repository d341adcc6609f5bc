import type { FieldReader, JsonObject } from './fields.ts';
import type { ConfDevices } from './types.ts';

/** A PCI address or the name of a device: it becomes part of a path below /sys. */
const deviceId = /^[A-Za-z0-9][\w.:-]*$/;

/**
 * Devices in a configuration: what Multus puts into it for a NAD with a resource (the same device in up to three places), and the
 * resources that the operator wrote there. Undefined when there is neither.
 */
export function readDevices(reader: FieldReader, json: JsonObject): ConfDevices | undefined {
  const runtime = reader.object(json['runtimeConfig'], 'runtimeConfig') ?? {};
  const places = {
    deviceID: json['deviceID'],
    pciBusID: json['pciBusID'],
    'runtimeConfig.deviceID': runtime['deviceID'],
  };
  const handed = Object.entries(places).flatMap(([path, value]) => {
    const id = reader.text(value, path);
    if (id === undefined) return [];
    if (!deviceId.test(id)) reader.wrong(path, 'must be a PCI address or the name of a device');
    return [id];
  });
  const resources = reader.texts(json['resourceNames'], 'resourceNames');
  return handed.length + resources.length === 0 ? undefined : { handed: [...new Set(handed)], resources };
}
