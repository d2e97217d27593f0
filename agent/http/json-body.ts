import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { decode } from '../api/decode.ts';
import { invalid } from '../api/errors.ts';
import { jsonFault } from './json-syntax.ts';
import type { JsonOptions } from './router.ts';

/** The largest JSON body that is read; what is bigger (archives) is streamed by its handler. */
export const MAX_JSON_BODY = 4 * 1024 * 1024;

/** Reads a body to its end and parses it; refuses it in dockerd's words. */
export async function readJson<T>(
  headers: IncomingHttpHeaders,
  body: Readable,
  { optional = false, type: goType, shape }: JsonOptions,
): Promise<T> {
  const text = await readText(body);
  if (text === '') {
    if (optional) return {} as T;
    throw invalid('invalid JSON: got EOF while reading request body');
  }
  const type = headers['content-type'];
  if (type !== undefined && type.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(jsonFault(text), error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return (shape ? decode(value, shape, shape.go.replace(/^.*\./, '')) : value) as T;
  if (value === null && (optional || goType)) return (goType ? null : {}) as T;
  throw invalid(
    goType
      ? `invalid JSON: json: cannot unmarshal ${jsonKind(value)} into Go value of type ${goType}`
      : 'invalid JSON: expected an object',
  );
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_JSON_BODY) throw invalid('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}

/** Go's name of what a JSON value is. */
export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (value === null) return 'null';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
