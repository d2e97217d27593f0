import { describe, expect, it } from 'vitest';
import { LineStore, nanosOf } from './line-store.ts';
import type { IncomingLine } from './line-store.ts';
import { LineIndex, NumberList } from './line-index.ts';
import { createMatcher } from './matcher.ts';
import type { Matcher } from './matcher.ts';

const line = (text: string, stream: 'stdout' | 'stderr' = 'stdout', time = 1_700_000_000_000): IncomingLine => ({
  time,
  stamp: `${new Date(time).toISOString().slice(0, -1)}000001Z`,
  stream,
  text,
});
const matcher = (text: string, options: { matchCase?: boolean; regex?: boolean } = {}): Matcher => {
  const made = createMatcher({ text, matchCase: false, regex: false, ...options });
  if (!made || 'error' in made) throw new Error('not a matcher');
  return made;
};
const all = (index: LineIndex): number[] =>
  Array.from({ length: index.found.length }, (_, i) => index.found.at(i) ?? -1);

describe('LineStore', () => {
  it('gives back every line, across chunk borders, with time, stream and text', () => {
    const store = new LineStore();
    for (let i = 0; i < 10_000; i++)
      store.append([line(`line ${i}`, i % 3 === 0 ? 'stderr' : 'stdout', 1_700_000_000_000 + i)]);
    for (const seq of [0, 1, 4095, 4096, 4097, 8191, 8192, 9999]) {
      expect(store.line(seq)).toEqual({
        seq,
        time: 1_700_000_000_000 + seq,
        stderr: seq % 3 === 0,
        raw: `line ${seq}`,
        text: `line ${seq}`,
      });
    }
    expect(store.line(10_000)).toBeUndefined();
    expect(store.line(-1)).toBeUndefined();
    expect(store.stderrCount).toBe(3334);
  });

  it('keeps nanoseconds', () => {
    const store = new LineStore();
    store.append([
      {
        time: Date.parse('2024-05-06T07:08:09.123Z'),
        stamp: '2024-05-06T07:08:09.123456789Z',
        stream: 'stdout',
        text: '',
      },
    ]);
    expect(store.stamp(0)).toBe('2024-05-06T07:08:09.123456789Z');
    expect(nanosOf('2024-05-06T07:08:09.1234Z')).toBe(400_000);
    expect(nanosOf('2024-05-06T07:08:09Z')).toBe(0);
  });

  it('drops the oldest lines beyond the limit and keeps the numbering', () => {
    const store = new LineStore({ lines: 10_000, chars: 1e9 });
    for (let i = 0; i < 30_000; i++) store.append([line(`n${i}`, 'stderr')]);
    expect(store.length).toBeLessThanOrEqual(10_000);
    expect(store.length).toBeGreaterThan(5_000);
    expect(store.first + store.length).toBe(30_000);
    expect(store.dropped).toBe(store.first);
    expect(store.stderrCount).toBe(store.length);
    expect(store.text(store.first)).toBe(`n${store.first}`);
    expect(store.text(29_999)).toBe('n29999');
    expect(store.line(store.first - 1)).toBeUndefined();
  });

  it('bounds the characters too', () => {
    const store = new LineStore({ lines: 1e9, chars: 5_000_000 });
    for (let i = 0; i < 20_000; i++) store.append([line('x'.repeat(1000))]);
    expect(store.length * 1000).toBeLessThanOrEqual(5_000_000 + 4096 * 1000);
  });

  it('is empty after clear and goes on numbering', () => {
    const store = new LineStore();
    store.append(Array.from({ length: 5000 }, (_, i) => line(`a${i}`)));
    store.clear();
    expect(store.length).toBe(0);
    store.append([line('after')]);
    expect(store.first).toBe(5000);
    expect(store.text(5000)).toBe('after');
  });

  it('shows text without escape codes, keeps them in raw, and carries colours to the next line of the stream', () => {
    const store = new LineStore();
    store.append([line('\x1b[31mred'), line('other', 'stderr'), line('still red\x1b[0m'), line('plain')]);
    expect(store.line(0)?.text).toBe('red');
    expect(store.line(1)?.raw).toBe('other');
    expect(store.line(2)).toMatchObject({ text: 'still red', raw: '\x1b[31mstill red\x1b[0m' });
    expect(store.line(3)?.raw).toBe('plain');
  });

  it('settles progress lines and trailing carriage returns', () => {
    const store = new LineStore();
    store.append([line('10%\r50%\r100%'), line('dos line\r'), line('longer text\rshort')]);
    expect([store.text(0), store.text(1), store.text(2)]).toEqual(['100%', 'dos line', 'shortr text']);
  });

  it('takes 1,000,000 lines in a few seconds and near the size of their text', () => {
    const store = new LineStore();
    const before = performance.now();
    for (let batch = 0; batch < 1000; batch++) {
      store.append(
        Array.from({ length: 1000 }, (_, i) => line(`request ${batch * 1000 + i} GET /api/items/${i} 200 OK in 12 ms`)),
      );
    }
    expect(store.length).toBe(1_000_000);
    expect(performance.now() - before).toBeLessThan(6000);
    expect(store.text(987_654)).toContain('request 987654 ');
    const index = new LineIndex(store, 'both', matcher('REQUEST 999999 '));
    const searching = performance.now();
    let longest = 0;
    for (let done = false; !done;) {
      const step = performance.now();
      done = index.scan(8);
      longest = Math.max(longest, performance.now() - step);
    }
    expect(all(index)).toEqual([999_999]);
    expect(performance.now() - searching).toBeLessThan(3000);
    expect(longest).toBeLessThan(100);
  });
});

describe('LineIndex', () => {
  const filled = (count: number): LineStore => {
    const store = new LineStore({ lines: 20_000, chars: 1e9 });
    store.append(
      Array.from({ length: count }, (_, i) =>
        line(i % 10 === 0 ? `Error at ${i}: error twice` : `fine ${i}`, i % 2 ? 'stderr' : 'stdout'),
      ),
    );
    return store;
  };
  const scanned = (index: LineIndex): LineIndex => {
    while (!index.scan(50));
    return index;
  };

  it('finds each line once, in joined chunks and in the open one', () => {
    const index = scanned(new LineIndex(filled(10_001), 'both', matcher('error')));
    expect(all(index)).toEqual(Array.from({ length: 1001 }, (_, i) => i * 10));
  });

  it('heeds case, expressions and the stream', () => {
    const store = filled(5000);
    expect(scanned(new LineIndex(store, 'both', matcher('error at', { matchCase: true }))).found.length).toBe(0);
    expect(scanned(new LineIndex(store, 'both', matcher('^Error at \\d0:', { regex: true }))).found.length).toBe(9);
    expect(scanned(new LineIndex(store, 'both', matcher('\\s$', { regex: true }))).found.length).toBe(0);
    expect(scanned(new LineIndex(store, 'stderr', matcher('error'))).found.length).toBe(0);
    expect(scanned(new LineIndex(store, 'stderr', undefined)).found.length).toBe(2500);
  });

  it('agrees with a search line by line', () => {
    const store = new LineStore();
    store.append(
      Array.from({ length: 9000 }, (_, i) =>
        line(['', 'a', 'aa', 'b', 'ab', 'ba\x1b[1ma'][(i * 7 + (i >> 5)) % 6] ?? ''),
      ),
    );
    for (const text of ['a', 'aa', 'ab', 'baa']) {
      const expected = Array.from({ length: 9000 }, (_, i) => i).filter((i) => store.text(i).includes(text));
      expect(all(scanned(new LineIndex(store, 'both', matcher(text))))).toEqual(expected);
    }
  });

  it('goes on as lines come and forgets what was dropped', () => {
    const store = filled(15_000);
    const index = scanned(new LineIndex(store, 'both', matcher('error')));
    store.append(Array.from({ length: 15_000 }, (_, i) => line(`error late ${i}`)));
    expect(index.complete).toBe(false);
    scanned(index);
    expect(index.found.at(0)).toBeGreaterThanOrEqual(store.first);
    expect(index.found.at(index.found.length - 1)).toBe(29_999);
  });
});

describe('NumberList', () => {
  it('finds, grows and drops', () => {
    const list = new NumberList();
    for (let i = 0; i < 5000; i++) list.push(i * 2);
    expect(list.lowerBound(10)).toBe(5);
    expect(list.lowerBound(11)).toBe(6);
    expect(list.dropBelow(100)).toBe(50);
    for (let i = 5000; i < 20_000; i++) list.push(i * 2);
    expect([list.at(0), list.length, list.at(list.length - 1), list.at(list.length), list.at(-1)]).toEqual([
      100,
      19_950,
      39_998,
      undefined,
      undefined,
    ]);
  });
});

describe('createMatcher', () => {
  it('explains a bad expression', () => {
    const made = createMatcher({ text: 'a(', matchCase: false, regex: true });
    expect(made).toHaveProperty('error');
  });
  it('treats text literally, and finds all ranges', () => {
    expect(matcher('a.c').ranges('a.c abc A.C')).toEqual([
      [0, 3],
      [8, 11],
    ]);
    expect(matcher('x*', { regex: true }).ranges('axxb')).toEqual([[1, 3]]);
    expect(createMatcher({ text: '', matchCase: false, regex: false })).toBeUndefined();
  });
});
