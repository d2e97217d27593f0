import { expect, it } from 'vitest';
import { fineClock, timestampOf } from './clock.ts';

it('tells moments of one millisecond apart, and follows a time of day that is set', () => {
  let day = 1_700_000_000_000;
  let monotonic = 500.25;
  const pass = (milliseconds: number) => {
    monotonic += milliseconds;
    day += milliseconds;
  };
  const now = fineClock(
    () => Math.floor(day),
    () => monotonic,
  );
  const first = now();
  pass(0.125);
  expect(now() - first).toBeCloseTo(0.125, 3);
  pass(3000);
  expect(now()).toBeCloseTo(1_700_000_003_000.125, 0);
  // An hour forwards, as after a night in sleep, where the monotonic clock stood still.
  day += 3_600_000;
  expect(Math.abs(now() - day)).toBeLessThanOrEqual(1);
  pass(10);
  expect(Math.abs(now() - day)).toBeLessThanOrEqual(2);
  // And back.
  day -= 7_200_000;
  expect(Math.abs(now() - day)).toBeLessThanOrEqual(1);
  expect(timestampOf(now())).toMatch(/^2023-11-14T21:13:2\d\.\d{9}Z$/);
});
