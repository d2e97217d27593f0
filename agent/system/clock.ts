/** Time behind a seam, so that tests can move it. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** RFC 3339 with nanoseconds, UTC, as Docker writes it */
  timestamp(): string;
  /** nanoseconds that never go back */
  monotonic(): bigint;
  setTimeout(run: () => void, milliseconds: number): () => void;
}

/** Milliseconds by which the two clocks may differ before the time of day is taken to have been set, or the machine to have slept. */
const DRIFT = 2;

/**
 * Milliseconds since the epoch with their fraction: the monotonic clock, so that two calls in the same millisecond still differ, but set
 * anew whenever the time of day has left it behind.
 */
export function fineClock(timeOfDay = () => Date.now(), monotonic = () => performance.now()): () => number {
  let offset = timeOfDay() - monotonic();
  return () => {
    const coarse = timeOfDay();
    const elapsed = monotonic();
    if (Math.abs(offset + elapsed - coarse) > DRIFT) offset = coarse - elapsed;
    return offset + elapsed;
  };
}

export const fineNow = fineClock();

export const systemClock: Clock = {
  now: () => Date.now(),
  timestamp: () => timestampOf(fineNow()),
  monotonic: () => process.hrtime.bigint(),
  setTimeout: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** `milliseconds` may have a fraction. */
export function timestampOf(milliseconds: number): string {
  const whole = Math.floor(milliseconds);
  const nanos = Math.floor((milliseconds - whole) * 1e6);
  return new Date(whole).toISOString().replace('Z', `${String(nanos).padStart(6, '0')}Z`);
}

/** "Never", as Docker writes it. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';
