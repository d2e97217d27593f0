import { describe, expect, test } from 'vitest';
import { rowWindow, sorted } from './table.ts';

describe('rowWindow', () => {
  test('draws what is in sight and a few rows more, and keeps the place of the rest', () => {
    const shown = rowWindow(500, 50, 10_000, 600);
    expect(shown).toEqual({ first: 192, end: 220, before: 9_600, after: 14_000 });
    expect(shown.before + (shown.end - shown.first) * 50 + shown.after).toBe(500 * 50);
  });
  test('a list that became short while scrolled far down draws nothing beyond its end', () => {
    expect(rowWindow(3, 50, 10_000, 600)).toEqual({ first: 3, end: 3, before: 150, after: 0 });
    expect(rowWindow(0, 50, 0, 600)).toEqual({ first: 0, end: 0, before: 0, after: 0 });
  });
});

test('sorting is natural in text, numeric in numbers, and keeps the order of equals', () => {
  const names = ['web10', 'web2', 'Web1'];
  expect(sorted(names, (name) => name, false)).toEqual(['Web1', 'web2', 'web10']);
  const rows = [
    { n: 1, id: 'a' },
    { n: 0, id: 'b' },
    { n: 1, id: 'c' },
  ];
  expect(sorted(rows, (row) => row.n, true).map((row) => row.id)).toEqual(['a', 'c', 'b']);
});
