import { describe, expect, it } from 'vitest';
import { LineStore } from './line-store.ts';
import { selectedRange, selectedText, wordAt } from './selection.ts';

describe('selection', () => {
  const store = new LineStore();
  store.append(['first line', '', 'third'].map((text) => ({ time: 0, stamp: '', stream: 'stdout', text })));
  const backwards = { anchor: { seq: 2, column: 3 }, head: { seq: 0, column: 6 } };

  it('is the same in both directions', () => {
    expect(selectedText(store, backwards, [0, 1, 2])).toBe('line\n\nthi');
    expect(selectedText(store, { anchor: backwards.head, head: backwards.anchor }, [0, 1, 2])).toBe('line\n\nthi');
  });
  it('leaves out rows that are filtered away', () => expect(selectedText(store, backwards, [0, 2])).toBe('line\nthi'));
  it('marks each line', () => {
    expect(selectedRange(backwards, 0, 10)).toEqual([6, 10]);
    expect(selectedRange(backwards, 1, 0)).toEqual([0, 1]);
    expect(selectedRange(backwards, 2, 5)).toEqual([0, 3]);
    expect(selectedRange(backwards, 3, 5)).toBeUndefined();
    expect(selectedRange({ anchor: backwards.head, head: backwards.head }, 0, 10)).toBeUndefined();
  });
  it('takes words whole, paths too', () => {
    expect(wordAt('GET /api/items ok', 6)).toEqual([4, 14]);
    expect(wordAt('a  b', 1)).toEqual([1, 2]);
    expect(wordAt('', 0)).toEqual([0, 0]);
  });
});
