import { expect, test } from 'vitest';
import { formatAge, formatBytes, formatPercent, shortId } from './format.ts';

test('sizes keep three digits in either base', () => {
  expect([0, 999, 1000, 8_310_000, 117_400_000, 999_999_999].map((n) => formatBytes(n))).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '8.31 MB',
    '117 MB',
    '1.00 GB',
  ]);
  expect([1023, 1024, 536_870_912, 25_200_000_000].map((n) => formatBytes(n, 1024))).toEqual([
    '1023 B',
    '1.00 KiB',
    '512 MiB',
    '23.5 GiB',
  ]);
});
test('ages', () => {
  const now = 1_700_000_000_000;
  const ago = (seconds: number) => formatAge(now - seconds * 1000, now);
  expect([3, 42, 61, 7_200, 90_000, 14 * 86_400, 400 * 86_400].map(ago)).toEqual([
    'just now',
    '42 seconds ago',
    '1 minute ago',
    '2 hours ago',
    '1 day ago',
    '2 weeks ago',
    '1 year ago',
  ]);
  expect(formatAge(0, now)).toBe('');
});
test('percent and ids', () => {
  expect([0, 12.34, 203.9].map(formatPercent)).toEqual(['0.0%', '12.3%', '204%']);
  expect(shortId(`sha256:${'ab'.repeat(32)}`)).toBe('abababababab');
});
