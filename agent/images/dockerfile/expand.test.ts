import { describe, expect, it } from 'vitest';
import { expandWord, expandWords } from './expand.ts';

const env = new Map([
  ['A', 'one'],
  ['EMPTY', ''],
  ['PATHS', '/usr/lib/x.tar.gz'],
  ['LIST', '80 443'],
  ['NAME_1', 'n'],
]);

describe('a word', () => {
  // as Docker's builder expands it (the shell's rules, but for what it lacks)
  it.each([
    ['plain', 'plain'],
    ['$A', 'one'],
    ['${A}', 'one'],
    ['$A$A-x', 'oneone-x'],
    ['$NAME_1x', ''],
    ['${NAME_1}x', 'nx'],
    ['$1a', 'a'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$ A', '$ A'],
    ['\\$A', '$A'],
    ['\\\\$A', '\\one'],
    ["'$A \\x'", '$A \\x'],
    ['"$A \\x \\" \\$A"', 'one \\x " $A'],
    ['a\\', 'a'],
    ['${NONE-d}', 'd'],
    ['${EMPTY-d}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${A:-d}', 'one'],
    ['${A:+set}', 'set'],
    ['${EMPTY:+set}', ''],
    ['${EMPTY+set}', 'set'],
    ['${NONE:-$A}', 'one'],
    ['${NONE:-${A}x}', 'onex'],
    ['${PATHS#*/}', 'usr/lib/x.tar.gz'],
    ['${PATHS##*/}', 'x.tar.gz'],
    ['${PATHS%.*}', '/usr/lib/x.tar'],
    ['${PATHS%%.*}', '/usr/lib/x'],
    ['${PATHS/lib/LIB}', '/usr/LIB/x.tar.gz'],
    ['${PATHS//./_}', '/usr/lib/x_tar_gz'],
    ['é$A', 'éone'],
  ])('%j is %j', (word, expected) => {
    expect(expandWord(word, env, '\\')).toBe(expected);
  });

  it.each([
    ['${', "syntax error: missing '}'"],
    ['${}', 'syntax error: bad substitution'],
    ['${:x}', 'syntax error: bad substitution'],
    ['${A', "syntax error: missing '}'"],
    ['${A:-x', "syntax error: missing '}'"],
    ['${A^x}', 'unsupported modifier (^) in substitution'],
    ['${A:#x}', 'unsupported modifier (:#) in substitution'],
    ['${NONE?}', 'NONE: is not allowed to be unset'],
    ['${EMPTY:?give one}', 'EMPTY: give one'],
    ["'x", 'unexpected end of statement while looking for matching single-quote'],
  ])('%j is refused', (word, message) => {
    expect(() => expandWord(word, env, '\\')).toThrow(`failed to process ${JSON.stringify(word)}: ${message}`);
  });

  it('is split at spaces that come out of variables, not at quoted ones', () => {
    expect(expandWords('$LIST', env, '\\')).toEqual(['80', '443']);
    expect(expandWords('"a b"$LIST', env, '\\')).toEqual(['a b80', '443']);
    expect(expandWords('$NONE', env, '\\')).toEqual([]);
  });
});
