import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isCpuSet, parseCpus, parseSize } from './quantities.ts';
import { quoteWord, splitWords } from './shell-words.ts';

describe('words', () => {
  it.each([
    ['', []],
    ['  a   b\tc\n', ['a', 'b', 'c']],
    [`a'b c'd`, ['ab cd']],
    [`"a \\"b\\" \\n" '\\n'`, ['a "b" \\n', '\\n']],
    [`'' ""`, ['', '']],
    ['a\\ b', ['a b']],
  ])('%j', (text, words) => expect(splitWords(text)).toEqual({ ok: true, words }));

  it.each(['"a', "'a", 'a\\'])('%j is not finished', (text) => expect(splitWords(text).ok).toBe(false));

  it('quoted words come through a real shell and through the splitter unchanged', () => {
    const words = ['plain', '', 'two words', `it's`, '$HOME', '`x`', '"q"', '\\', '*', 'a\nb', '!', 'ž', '--x=y'];
    const line = words.map(quoteWord).join(' ');
    expect(
      execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
        .split('\0')
        .slice(0, -1),
    ).toEqual(words);
    expect(splitWords(line)).toEqual({ ok: true, words });
  });
});

describe('quantities', () => {
  it.each([
    ['512m', 536_870_912],
    ['1g', 2 ** 30],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['10kb', 10_240],
    ['7', 7],
    ['7b', 7],
    ['1 gb', 2 ** 30],
    ['', undefined],
    ['m', undefined],
    ['1x', undefined],
    ['-1m', undefined],
    ['1.m', undefined],
  ])('size %j', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  it.each([
    ['1.5', 1.5e9],
    ['.25', 2.5e8],
    ['2', 2e9],
    ['0.000000001', 1],
    ['.', undefined],
    ['1,5', undefined],
    ['1e3', undefined],
    ['0.0000000001', 'precise'],
  ] as const)('cpus %j', (text, nano) => expect(parseCpus(text)).toBe(nano));
  it.each([
    ['0', true],
    ['0-3,5', true],
    ['3-1', false],
    ['', false],
    ['a', false],
    ['1,,2', false],
  ])('cpuset %j', (text, ok) => expect(isCpuSet(text)).toBe(ok));
});
