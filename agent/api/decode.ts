import { invalid } from './errors.ts';
import type { Shape } from './request-schema.ts';

/** Go's name for a JSON value's type, as in its messages. */
function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function goType(shape: Shape): string {
  switch (shape.kind) {
    case 'string':
      return 'string';
    case 'bool':
      return 'bool';
    case 'float':
      return 'float64';
    case 'any':
      return 'interface {}';
    case 'words':
      return '[]string';
    default:
      return shape.go;
  }
}

function mismatch(value: unknown, shape: Shape, path: string): never {
  const number = typeof value === 'number' && shape.kind === 'int' ? `number ${value}` : jsonType(value);
  throw invalid(`invalid JSON: json: cannot unmarshal ${number} into Go struct field ${path} of type ${goType(shape)}`);
}

/**
 * Reads `value` as Go's encoding/json would into the type that `shape` describes: null leaves a field out, names match without
 * regard to case, unknown names are dropped. Throws invalid-parameter with Go's message.
 */
export function decode(value: unknown, shape: Shape, path: string): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'any':
      return value;
    case 'string':
    case 'bool':
      if (typeof value !== (shape.kind === 'bool' ? 'boolean' : 'string')) mismatch(value, shape, path);
      return value;
    case 'float':
      if (typeof value !== 'number') mismatch(value, shape, path);
      return value;
    case 'int':
      if (typeof value !== 'number' || !Number.isInteger(value) || value < shape.min || value > shape.max)
        mismatch(value, shape, path);
      return value;
    case 'words':
      if (typeof value === 'string') return [value];
      if (!Array.isArray(value)) mismatch(value, shape, path);
      return value.map((item) => decode(item, { kind: 'string' }, path) ?? '');
    case 'list':
      if (!Array.isArray(value)) mismatch(value, shape, path);
      return value
        .map((item) => decode(item, shape.of, path) ?? emptyOf(shape.of))
        .filter((item) => item !== undefined);
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) mismatch(value, shape, path);
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, decode(item, shape.of, path) ?? emptyOf(shape.of) ?? null]),
      );
    case 'object':
      if (typeof value !== 'object' || Array.isArray(value)) mismatch(value, shape, path);
      return decodeObject(value as Record<string, unknown>, shape.fields, path);
  }
}

/** null among strings is "", among pointers it is nothing. */
function emptyOf(shape: Shape): unknown {
  return shape.kind === 'string' ? '' : undefined;
}

const namesOf = new WeakMap<object, Map<string, string>>();

function decodeObject(
  value: Record<string, unknown>,
  fields: Record<string, Shape>,
  path: string,
): Record<string, unknown> {
  let names = namesOf.get(fields);
  if (!names) namesOf.set(fields, (names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]))));
  const out: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const name = Object.hasOwn(fields, key) ? key : names.get(key.toLowerCase());
    if (name === undefined) continue;
    const read = decode(item, fields[name] as Shape, `${path}.${name}`);
    if (read !== undefined) out[name] = read;
  }
  return out;
}
