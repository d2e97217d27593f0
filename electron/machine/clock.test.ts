import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { onWake } from './clock.ts';

let day = 0;
let steady = 0;
let woken = 0;
let stop: () => void;
beforeEach(() => {
  vi.useFakeTimers();
  day = 1_700_000_000_000;
  steady = woken = 0;
  stop = onWake(() => woken++, { day: () => day, steady: () => steady });
});
afterEach(() => {
  stop();
  vi.useRealTimers();
});

/** The next look comes after so many milliseconds, by each clock. */
function pass(byDay: number, bySteady = byDay) {
  day += byDay;
  steady += bySteady;
  vi.advanceTimersByTime(2_000);
}

it.each([
  ['a look in time is none', 2_000, 2_000, 0],
  ['a look that a busy host has delayed is none', 5_500, 5_500, 0],
  ['a sleep that both clocks count', 3_600_000, 3_600_000, 1],
  ['a sleep that the steady clock does not count', 3_600_000, 2_000, 1],
  ['a short sleep', 9_000, 2_000, 1],
  ['a time of day that was set back', -3_600_000, 2_000, 1],
])('%s', (_name, byDay, bySteady, times) => {
  pass(byDay, bySteady);
  expect(woken).toBe(times);
  pass(2_000);
  expect(woken).toBe(times);
});
