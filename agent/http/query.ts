import { invalid } from '../api/errors.ts';

/** Docker's reading of a boolean: absent, "", "0", "no", "false" and "none" are false, all else is true (`httputils.BoolValue`). */
export function boolValue(query: URLSearchParams, name: string, absent = false): boolean {
  const value = query.get(name);
  if (value === null) return absent;
  return !['', '0', 'no', 'false', 'none'].includes(value.trim().toLowerCase());
}

/** A whole number, or `absent`. Throws `invalid-parameter` for anything else. */
export function intValue(query: URLSearchParams, name: string, absent: number): number {
  const value = query.get(name);
  if (value === null || value === '') return absent;
  if (!/^[+-]?\d+$/.test(value)) throw invalid(`strconv.Atoi: parsing "${value}": invalid syntax`);
  if (Math.abs(Number(value)) >= 2 ** 63) throw invalid(`strconv.Atoi: parsing "${value}": value out of range`);
  return Number(value);
}

/** Filters by name: each value once. */
export type Filters = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Reads `filters`: `{"label":["a=b"]}`, or the older `{"label":{"a=b":true}}`. A name not in `allowed` is refused as Docker
 * refuses it; undefined allows all.
 */
export function parseFilters(query: URLSearchParams, allowed: readonly string[] | undefined): Filters {
  const raw = query.get('filters');
  const filters = new Map<string, Set<string>>();
  if (!raw) return filters;
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (error) {
    throw invalid('invalid filter', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('invalid filter');
  for (const [name, entry] of Object.entries(value)) {
    if (allowed && !allowed.includes(name)) throw invalid(`invalid filter '${name}'`);
    if (Array.isArray(entry) && entry.every((item) => typeof item === 'string')) filters.set(name, new Set(entry));
    else if (isFlags(entry)) filters.set(name, new Set(Object.keys(entry)));
    else throw invalid('invalid filter');
  }
  return filters;
}

const isFlags = (value: unknown): value is Record<string, boolean> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((item) => typeof item === 'boolean');

/** Labels match when for every asked "key" or "key=value" there is one. */
export function matchLabels(
  asked: ReadonlySet<string> | undefined,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  for (const item of asked ?? []) {
    const at = item.indexOf('=');
    const key = at < 0 ? item : item.slice(0, at);
    const has = labels?.[key];
    if (has === undefined || (at >= 0 && has !== item.slice(at + 1))) return false;
  }
  return true;
}
