import { describe, expect, it } from 'vitest';
import { parseAnsi, settleCarriageReturns, stripAnsi } from './ansi.ts';
import { look, segmentsOf } from './segments.ts';

const stored = (raw: string) => ({ seq: 0, time: 0, stderr: false, raw, text: stripAnsi(raw) });

describe('parseAnsi', () => {
  it('reads the 16 colours, weights and resets', () => {
    expect(parseAnsi('\x1b[1;31mERR\x1b[0m ok \x1b[92mgreen\x1b[39m\x1b[4mu\x1b[24m.')).toEqual({
      text: 'ERR ok greenu.',
      spans: [
        { start: 0, end: 3, style: { bold: true, foreground: 1 } },
        { start: 7, end: 12, style: { foreground: 10 } },
        { start: 12, end: 13, style: { underline: true } },
      ],
    });
  });
  it('reads 256 and true colours in both spellings', () => {
    expect(
      parseAnsi('\x1b[38;5;196ma\x1b[48;5;244mb\x1b[38;2;1;2;3mc\x1b[38:2::4:5:6md').spans.map((span) => span.style),
    ).toEqual([
      { foreground: 'rgb(255 0 0)' },
      { foreground: 'rgb(255 0 0)', background: 'rgb(128 128 128)' },
      { foreground: 'rgb(1 2 3)', background: 'rgb(128 128 128)' },
      { foreground: 'rgb(4 5 6)', background: 'rgb(128 128 128)' },
    ]);
    expect(parseAnsi('\x1b[38;5;9mx').spans[0]?.style).toEqual({ foreground: 9 });
  });
  it('drops every other sequence, also broken ones', () => {
    expect(
      parseAnsi('\x1b[2K\x1b[1Ga\x1b]0;title\x07b\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1b(Bc\x1b[?25l\x1b').text,
    ).toBe('ablinkc');
    expect(stripAnsi('a\x00b\x08c\x7f')).toBe('abc');
    expect(stripAnsi('end\x1b[31')).toMatch(/^end/);
    expect(parseAnsi('\x1b[38mx').text).toBe('x');
    expect(parseAnsi('\x1b[38;5mx').text).toBe('x');
  });
  it('keeps tabs', () => expect(stripAnsi('a\tb')).toBe('a\tb'));
  it('is linear in the length of hostile input', () => {
    const start = performance.now();
    parseAnsi('\x1b['.repeat(200_000));
    parseAnsi(`\x1b]${'x'.repeat(400_000)}`);
    parseAnsi('\x1b[1;'.repeat(100_000));
    expect(performance.now() - start).toBeLessThan(1500);
  });
});

describe('settleCarriageReturns', () => {
  it('overwrites like a terminal', () => {
    expect(settleCarriageReturns('abc\rX')).toBe('Xbc');
    expect(settleCarriageReturns('abc\r')).toBe('abc');
    expect(settleCarriageReturns('\r\r')).toBe('');
    expect(settleCarriageReturns('\x1b[32m10%\r\x1b[32m99%\x1b[0m\r\x1b[K')).toBe('\x1b[32m99%\x1b[0m');
  });
});

describe('segmentsOf', () => {
  it('cuts at styles, matches and selection', () => {
    expect(segmentsOf(stored('ab\x1b[31mcdef'), [[1, 3]], [0, 4])).toEqual([
      { text: 'a', selected: true },
      { text: 'b', match: true, selected: true },
      { text: 'c', match: true, selected: true, style: { foreground: 1 } },
      { text: 'd', selected: true, style: { foreground: 1 } },
      { text: 'ef', style: { foreground: 1 } },
    ]);
    expect(segmentsOf(stored('plain'), [], undefined)).toEqual([{ text: 'plain' }]);
  });
  it('draws no more of a huge line than a browser bears', () => {
    expect(segmentsOf(stored('x'.repeat(1_000_000)), [[500_000, 500_001]], undefined)[0]?.text.length).toBe(20_000);
  });
  it('swaps colours for inverse', () => {
    expect(look({ inverse: true, foreground: 2 }).css).toEqual({
      color: 'var(--log-bg)',
      'background-color': 'var(--ansi-2)',
    });
  });
});
