import { expect, test } from 'vitest';
import { partsOf } from './guest-memory.ts';

/** Entries of a page table: which of `count` pages are there. */
function table(count: number, there: (page: number) => bigint | undefined): Buffer {
  const entries = Buffer.alloc(count * 8);
  for (let page = 0; page < count; page++) entries.writeBigUInt64LE(there(page) ?? 0n, page * 8);
  return entries;
}
const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const PAGE = 4096;

test('the used parts of a memory are those of its pages that are in memory or swapped out', () => {
  const pages = new Map([
    [0, PRESENT],
    [1, SWAPPED],
    [100, PRESENT | 5n],
    [199, PRESENT],
  ]);
  expect(partsOf(table(200, (page) => pages.get(page)))).toEqual([
    [0, 2 * PAGE],
    [100 * PAGE, PAGE],
    [199 * PAGE, PAGE],
  ]);
  expect(partsOf(table(50, () => 0b1n))).toEqual([]); // other bits say nothing of it
});

test('pages near each other are one part, so that few calls copy them', () => {
  expect(partsOf(table(64, (page) => (page % 8 === 0 ? PRESENT : undefined)))).toEqual([[0, 57 * PAGE]]);
});
