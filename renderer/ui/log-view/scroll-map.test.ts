import { describe, expect, it } from 'vitest';
import { clampTop, contentTop, lastTop, tallestTrack, trackHeight, trackTop } from './scroll-map.ts';

describe('scroll map', () => {
  const small = { content: 10_000, viewport: 500 };
  const huge = { content: 2_000_000 * 20, viewport: 500 };
  it('is one to one where the browser can', () => {
    expect(trackHeight(small)).toBe(10_000);
    expect(contentTop(1234, small)).toBe(1234);
    expect(trackTop(1234, small)).toBe(1234);
    expect(clampTop(99_999, small)).toBe(9500);
  });
  it('reaches both ends of content taller than an element may be', () => {
    expect(trackHeight(huge)).toBe(tallestTrack);
    expect(contentTop(0, huge)).toBe(0);
    expect(contentTop(tallestTrack - 500, huge)).toBe(lastTop(huge));
    expect(contentTop(tallestTrack - 500.6, huge)).toBe(lastTop(huge));
  });
  it('goes there and back within a row', () => {
    for (const top of [0, 17, 20_000_123, lastTop(huge) - 3, lastTop(huge)]) {
      expect(Math.abs(contentTop(trackTop(top, huge), huge) - top)).toBeLessThan(20);
    }
  });
  it('bears content smaller than the view', () => {
    expect(contentTop(5, { content: 100, viewport: 500 })).toBe(0);
    expect(trackTop(5, { content: 100, viewport: 500 })).toBe(0);
  });
});
