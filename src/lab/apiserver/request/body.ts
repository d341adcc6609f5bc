import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { messageOf } from '../../../api/message-of.ts';
import { errors } from '../api-error.ts';

/** What kube-apiserver takes at most as a request body, in bytes. */
const bodyLimit = 3 * 1024 * 1024;

/** The request's content type without parameters, in lower case. */
export function contentType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) throw errors.tooLarge(`limit is ${bodyLimit}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The request's body as a JSON value, undefined when it is empty. Throws ApiError 400, 413, 415. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request);
  if (text === '') return undefined;
  const type = contentType(request);
  if (!/^$|^application\/(.+\+)?(json|yaml)$/.test(type)) {
    throw errors.unsupportedMediaType(
      'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml',
    );
  }
  try {
    return type.endsWith('yaml') ? parseYaml(text) : JSON.parse(text);
  } catch (error) {
    throw errors.badRequest(`error decoding the request body: ${messageOf(error)}`);
  }
}
