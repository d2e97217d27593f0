import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createIdleMemory } from './idle-memory.ts';

const MB = 1024 * 1024;

describe('memory of an idle engine', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** `release.own` leaves 30 MB, `release.mapped` 5. */
  function watched() {
    const size = { own: 50 * MB, mapped: 40 * MB };
    const release = { own: vi.fn(() => void (size.own = 30 * MB)), mapped: vi.fn(() => void (size.mapped = 5 * MB)) };
    return { size, release, memory: createIdleMemory(release, () => ({ ...size })) };
  }

  it('is released once after a spell of work, not during it', () => {
    const { memory, release } = watched();
    for (let step = 0; step < 10; step++) {
      memory.active();
      vi.advanceTimersByTime(1500);
    }
    expect(release.own).not.toHaveBeenCalled();
    expect(release.mapped).not.toHaveBeenCalled();
    vi.advanceTimersByTime(60_000);
    expect(release.own).toHaveBeenCalledTimes(1);
    expect(release.mapped).toHaveBeenCalledTimes(1);
  });

  it('is left alone when the work made nothing grow', () => {
    const { memory, size, release } = watched();
    memory.active();
    vi.advanceTimersByTime(5000);
    size.own += MB / 2;
    size.mapped += 8 * MB;
    memory.active();
    vi.advanceTimersByTime(5000);
    expect(release.own).toHaveBeenCalledTimes(1);
    expect(release.mapped).toHaveBeenCalledTimes(1);
    size.own += MB;
    memory.active();
    vi.advanceTimersByTime(5000);
    expect(release.own).toHaveBeenCalledTimes(2);
    expect(release.mapped).toHaveBeenCalledTimes(2);
  });

  it('is not collected because files were mapped', () => {
    const { memory, size, release } = watched();
    memory.active();
    vi.advanceTimersByTime(5000);
    size.mapped += 20 * MB;
    memory.active();
    vi.advanceTimersByTime(5000);
    expect(release.own).toHaveBeenCalledTimes(1);
    expect(release.mapped).toHaveBeenCalledTimes(2);
  });

  it('is not looked at when nothing happens, nor after the end', () => {
    const { memory, release } = watched();
    memory.active();
    memory.stop();
    vi.advanceTimersByTime(60_000);
    expect(release.own).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
