import { expect, test } from 'vitest';
import { anchorAt, averageRows, boxTop, rowsAround, wrappedRows } from './wrap.ts';

test('rows of a wrapped line', () => {
  expect([0, 1, 80, 81, 400].map((length) => wrappedRows(length, 80))).toEqual([1, 1, 1, 2, 5]);
  expect(averageRows(4, (row) => [10, 100, 10, 170][row] ?? 0, 80)).toBe((1 + 2 + 1 + 3) / 4);
  expect(averageRows(0, () => 0, 80)).toBe(1);
  expect(averageRows(1_000_000, () => 100, 80)).toBe(2);
});

test('the anchor reaches the first and the last row', () => {
  // 100 lines of 40 px on average, 600 px to see
  expect(anchorAt(0, 3400, 600, 40)).toEqual({ row: 0, y: 0 });
  expect(anchorAt(3400, 3400, 600, 40)).toEqual({ row: 100, y: 600 });
  const middle = anchorAt(1700, 3400, 600, 40);
  expect(middle).toEqual({ row: 50, y: 300 });
  expect(anchorAt(5, 0, 600, 40)).toEqual({ row: 5 / 40, y: 0 });
});

test('the rows around the anchor fill the view, and no more than needed', () => {
  const view = { viewport: 600, rows: 1_000_000, rowHeight: 20, columns: 80 };
  const short = rowsAround({ row: 500.5, y: 300 }, view, () => 10);
  expect(short).toEqual([485, 516]);
  const long = rowsAround({ row: 500.5, y: 300 }, view, () => 80 * 10);
  expect(long[1] - long[0]).toBeLessThanOrEqual(6);
  expect(rowsAround({ row: 0, y: 0 }, { ...view, rows: 3 }, () => 10)).toEqual([0, 3]);
  expect(rowsAround({ row: 3, y: 600 }, { ...view, rows: 3 }, () => 10)).toEqual([0, 3]);
});

test('the box stands so that nothing is empty at either end', () => {
  const whole = { height: 900, holdsFirst: true, holdsLast: true };
  // at the start, the first row is at the top; at the end, the last row's end is at the bottom
  expect(boxTop({ row: 0, y: 0 }, { top: 0, height: 60 }, whole, 600)).toBe(0);
  expect(boxTop({ row: 15, y: 600 }, { top: 840, height: 60 }, whole, 600)).toBe(-300);
  // fewer than the view holds
  expect(
    boxTop({ row: 2, y: 0 }, { top: 20, height: 20 }, { height: 40, holdsFirst: true, holdsLast: true }, 600),
  ).toBe(0);
  // somewhere in the middle: half of the row is above the anchor
  const part = { height: 1200, holdsFirst: false, holdsLast: false };
  expect(boxTop({ row: 50.5, y: 300 }, { top: 400, height: 100 }, part, 600)).toBe(300 - 450);
});
