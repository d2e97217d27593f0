import { expect, test } from 'vitest';
import { jsonFault } from './json-syntax.ts';

test.each([
  ['{invalid json', `invalid JSON: invalid character 'i' looking for beginning of object key string`],
  ['{} more', 'unexpected content after JSON'],
  ['{"a":1} {"b":2}', 'unexpected content after JSON'],
  ['{"a":', 'invalid JSON: unexpected EOF'],
  ['{"a"', 'invalid JSON: unexpected EOF'],
  ['[1,]', `invalid JSON: invalid character ']' looking for beginning of value`],
  ['[1 2]', `invalid JSON: invalid character '2' after array element`],
  ['{"a" 1}', `invalid JSON: invalid character '1' after object key`],
  ['{"a":1 "b":2}', `invalid JSON: invalid character '"' after object key:value pair`],
  ['nope', `invalid JSON: invalid character 'o' in literal null (expecting 'u')`],
  ["'a'", `invalid JSON: invalid character '\\'' looking for beginning of value`],
  ['"a\nb"', `invalid JSON: invalid character '\\n' in string literal`],
  [String.raw`"\x"`, `invalid JSON: invalid character 'x' in string escape code`],
  [String.raw`"\u00g0"`, String.raw`invalid JSON: invalid character 'g' in \u hexadecimal character escape`],
  ['-a', `invalid JSON: invalid character 'a' in numeric literal`],
  ['1.x', `invalid JSON: invalid character 'x' after decimal point in numeric literal`],
  ['1ex', `invalid JSON: invalid character 'x' in exponent of numeric literal`],
  ['<html>', `invalid JSON: invalid character '<' looking for beginning of value`],
])('%j', (text, said) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(jsonFault(text)).toBe(said);
});

test('deep nesting ends in a fault like any other', () => {
  expect(jsonFault('['.repeat(1000))).toBe('invalid JSON: unexpected EOF');
  expect(jsonFault('['.repeat(1_000_000))).toBe('invalid JSON: exceeded max depth');
});
