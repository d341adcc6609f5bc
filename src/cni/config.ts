import { CniError, code } from '../api/cni-error.ts';
import { messageOf } from '../api/message-of.ts';
import { readDevices } from './devices.ts';
import { isIdentifier } from './environment.ts';
import { describe, FieldReader, isObject, type JsonObject, listProblems } from './fields.ts';
import { readRequest } from './request.ts';
import { collectResult } from './result.ts';
import { type CniVersion, type NetConf, supportedVersions, type Verb } from './types.ts';
import { isOlder, isSupported } from './versions.ts';

type ConfigVerb = Exclude<Verb, 'VERSION'>;

/** First version of the specification that has the verb. */
const since: Readonly<Partial<Record<ConfigVerb, CniVersion>>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

/** Deeper than any config people write; keeps recursive code behind the gate from running out of stack. */
const maxDepth = 128;

/**
 * Judges the network configuration of a call: JSON (6), name (7), version (1), verb against version (1), then the types of
 * everything that multinic reads, all problems at once with their paths (7). Unknown keys are ignored, since Multus and
 * runtimes add their own. A DEL reads only name and version strictly: it works from the record, so it must not fail
 * because the configuration was damaged since.
 * @throws CniError
 */
export function readConfig(stdin: string, verb: ConfigVerb): NetConf {
  const json = parseObject(stdin);
  const name = readName(json);
  const cniVersion = readVersion(json, verb);
  const reader = new FieldReader();
  const conf = readFields(reader, json, verb, name, cniVersion);
  if (reader.problems.length > 0 && verb !== 'DEL') {
    throw new CniError(code.invalidConfig, `network configuration "${name}": ${listProblems(reader.problems)}`);
  }
  return conf;
}

/** The cniVersion that a config states, supported or not, for error objects; undefined when there is none to be found. */
export function statedVersion(stdin: string): string | undefined {
  try {
    const version = parseObject(stdin)['cniVersion'];
    return typeof version === 'string' && version !== '' && version.length <= 32 ? version : undefined;
  } catch {
    return undefined;
  }
}

function parseObject(stdin: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(stdin);
  } catch (error) {
    throw undecodable(`is not JSON: ${messageOf(error)}`);
  }
  if (isDeeper(json, maxDepth)) throw undecodable(`is nested deeper than ${maxDepth} levels`);
  if (!isObject(json)) throw undecodable(`must be a JSON object, not ${describe(json)}`);
  return json;
}

/** Whether a value holds more levels of objects and lists than so many; looks no deeper than that. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1));
}

function readName(json: JsonObject): string {
  const name = json['name'];
  if (name === undefined || name === null || name === '') {
    throw new CniError(code.invalidConfig, 'network configuration: name is missing');
  }
  if (typeof name === 'string' && isIdentifier(name)) return name;
  throw new CniError(
    code.invalidConfig,
    `network configuration: name ${describe(name)} must be a string that begins with a letter or digit and holds only these, "_", "." and "-"`,
  );
}

function readVersion(json: JsonObject, verb: ConfigVerb): CniVersion {
  const version = json['cniVersion'];
  const supported = `supported versions: ${supportedVersions.join(', ')}`;
  if (!isSupported(version)) {
    const stated = version === undefined || version === null ? 'no cniVersion' : `cniVersion ${describe(version)}`;
    const details = `config: ${stated}; plugin: ${supported}`;
    throw new CniError(code.incompatibleVersion, `network configuration has ${stated}; ${supported}`, details);
  }
  const first = since[verb];
  if (first !== undefined && isOlder(version, first)) {
    throw new CniError(
      code.incompatibleVersion,
      `${verb} came with CNI ${first}, but the network configuration has cniVersion "${version}": raise it or do not call ${verb}`,
      `config: ${version}; ${verb} needs at least ${first}`,
    );
  }
  return version;
}

function readFields(
  reader: FieldReader,
  json: JsonObject,
  verb: ConfigVerb,
  name: string,
  cniVersion: CniVersion,
): NetConf {
  const type = reader.text(json['type'], 'type');
  if (type === undefined) reader.wrong('type', 'must name the plugin');
  const prevResult = readPrevResult(reader, json['prevResult'], verb, cniVersion);
  const validAttachments = verb === 'GC' ? readAttachments(reader, json) : undefined;
  const devices = readDevices(reader, json);
  return {
    cniVersion,
    name,
    type: type ?? '',
    ...(typeof json['master'] === 'string' && json['master'] !== '' ? { master: json['master'] } : {}),
    plugin: reader.object(json['plugin'], 'plugin') ?? {},
    ipam: reader.object(json['ipam'], 'ipam') ?? {},
    dns: reader.object(json['dns'], 'dns') ?? {},
    ...(isObject(json['runtimeConfig']) ? { runtimeConfig: json['runtimeConfig'] } : {}),
    ...(prevResult === undefined ? {} : { prevResult }),
    ...(validAttachments === undefined ? {} : { validAttachments }),
    request: readRequest(reader, json),
    ...(devices === undefined ? {} : { devices }),
  };
}

function readPrevResult(
  reader: FieldReader,
  value: unknown,
  verb: ConfigVerb,
  version: CniVersion,
): NetConf['prevResult'] {
  if (value === undefined || value === null) {
    if (verb === 'CHECK') reader.wrong('prevResult', 'is needed by CHECK');
    return undefined;
  }
  const before = reader.problems.length;
  const result = collectResult(reader, value, 'prevResult', version);
  return reader.problems.length === before ? result : undefined;
}

/** `cni.dev/attachments` is what libcni sends beside the specified key. Absent means not told, which is not the empty list. */
function readAttachments(reader: FieldReader, json: JsonObject): NetConf['validAttachments'] {
  const key = ['cni.dev/valid-attachments', 'cni.dev/attachments'].find((key) => Array.isArray(json[key]));
  if (key === undefined) {
    reader.list(json['cni.dev/valid-attachments'], 'cni.dev/valid-attachments');
    return undefined;
  }
  return reader.list(json[key], key).map((item, index) => {
    const path = `${key}[${index}]`;
    const object = reader.object(item, path) ?? {};
    const containerID = reader.text(object['containerID'], `${path}.containerID`);
    const ifname = reader.text(object['ifname'], `${path}.ifname`);
    // GC deletes what is not listed, so half an entry must stop it.
    if (containerID === undefined || ifname === undefined) reader.wrong(path, 'must have containerID and ifname');
    return { containerID: containerID ?? '', ifname: ifname ?? '' };
  });
}

function undecodable(message: string): CniError {
  return new CniError(code.decode, `network configuration ${message}`);
}
