import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdleMemory } from './idle-memory.ts';

const MB = 1024 * 1024;

describe('memory of an idle engine', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is released once after a spell of work, not during it', () => {
    let size = 50 * MB;
    const release = vi.fn(() => (size = 30 * MB));
    const memory = createIdleMemory(release, () => size);
    for (let step = 0; step < 10; step++) {
      memory.active();
      vi.advanceTimersByTime(1500);
    }
    expect(release).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(release).toHaveBeenCalledTimes(1);
  });

  it('is left alone when the work made nothing grow', () => {
    let size = 50 * MB;
    const release = vi.fn(() => (size = 30 * MB));
    const memory = createIdleMemory(release, () => size);
    memory.active();
    vi.advanceTimersByTime(5000);
    size += MB / 2;
    memory.active();
    vi.advanceTimersByTime(5000);
    expect(release).toHaveBeenCalledTimes(1);
    size += MB;
    memory.active();
    vi.advanceTimersByTime(5000);
    expect(release).toHaveBeenCalledTimes(2);
  });

  it('is not looked at when nothing happens, nor after the end', () => {
    const release = vi.fn();
    const memory = createIdleMemory(release, () => 50 * MB);
    memory.active();
    memory.stop();
    vi.advanceTimersByTime(60_000);
    expect(release).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
